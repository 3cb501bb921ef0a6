/**
 * Answers in the upstream's place, in the shape that the requester can read.
 *
 * @module
 */
import { type HtmlValue, html } from '../../transport/html.ts'
import { type Action, actionBar, PAGE_HEADERS, renderPage } from '../../transport/page.ts'
import { type HeaderEntry, headerText } from '../../upstream/header.ts'
import { type DeniedAnswer } from '../check-response.ts'
import type { Shape } from './response-format.ts'

export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405 | 429 | 431 | 495 | 500 | 502 | 503
  /** One word for programs, in snake_case. */
  readonly code: string
  readonly heading: string
  /** One sentence for a person, and the message for a program. */
  readonly message: string
  /** More of the HTML page. */
  readonly details?: HtmlValue
  readonly actions?: readonly Action[]
  /** What the HTML page says below the actions. */
  readonly fineprint?: HtmlValue
  /** Whether the same request may well pass in a moment, or after what the message says. */
  readonly isPassing?: boolean
  /** Nothing was decided: it failed. */
  readonly isFailure?: boolean
  /** Where a program can send its user to sign in. */
  readonly loginUrl?: string | undefined
  /** More members of the JSON answer. */
  readonly members?: Readonly<Record<string, unknown>>
}

/** Nothing of ours is kept anywhere, framed or sniffed; the second says that no upstream has spoken. */
const EVERY_ANSWER: readonly HeaderEntry[] = [
  ['cache-control', 'no-store'],
  ['x-pomerium-intercepted-response', 'true'],
  ['x-content-type-options', 'nosniff'],
]

/** @see https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md, and Envoy's own mapping */
const GRPC_STATUS: Readonly<Record<Refusal['status'], number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 12,
  405: 12,
  429: 8,
  431: 8,
  495: 16,
  500: 13,
  502: 14,
  503: 14,
}

const KUBERNETES_REASON: Readonly<Record<Refusal['status'], string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  429: 'TooManyRequests',
  431: 'RequestHeaderFieldsTooLarge',
  495: 'Unauthorized',
  500: 'InternalError',
  502: 'InternalError',
  503: 'ServiceUnavailable',
}

/** @param decisionId what the reader quotes and the log has; Envoy's `x-request-id` */
export function refusalAnswer(
  refusal: Refusal,
  shape: Shape,
  decisionId: string,
  extra: readonly HeaderEntry[] = [],
): DeniedAnswer {
  const { status, message } = refusal
  switch (shape) {
    case 'html':
      return {
        status,
        headers: [...Object.entries(PAGE_HEADERS), ['x-pomerium-intercepted-response', 'true'], ...extra],
        body: renderPage({
          title: refusal.heading,
          heading: refusal.heading,
          tone: status < 500 ? 'warn' : 'bad',
          requestId: decisionId === '' ? undefined : decisionId,
          isDecided: refusal.isFailure !== true,
          body: html`<p>${message}</p>${refusal.details}${refusal.actions !== undefined && refusal.actions.length > 0 && actionBar(refusal.actions)}${refusal.fineprint}`,
        }),
      }
    case 'json':
      return typed(status, 'application/json', extra, {
        error: refusal.code,
        status,
        message,
        ...refusal.members,
        login_url: refusal.loginUrl,
        request_id: decisionId === '' ? undefined : decisionId,
      })
    case 'kubernetes':
      return typed(status, 'application/json', extra, {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: `${message} (decision id ${decisionId})`,
        reason: KUBERNETES_REASON[status],
        code: status,
      })
    case 'grpc-web':
      return {
        status: 200,
        headers: [
          ...EVERY_ANSWER,
          ['content-type', 'application/grpc-web+proto'],
          ['grpc-status', String(GRPC_STATUS[status])],
          ['grpc-message', percentEncoded(message)],
          ...extra,
        ],
        body: '',
      }
    // Envoy makes a gRPC status of the HTTP one, and its message of the body.
    case 'grpc':
    case 'plain':
      return {
        // Envoy knows no gRPC status for 495
        status: shape === 'grpc' && status === 495 ? 401 : status,
        headers: [...EVERY_ANSWER, ['content-type', 'text/plain; charset=utf-8'], ...extra],
        body: shape === 'grpc' ? message : `${message}\nDecision id: ${decisionId}\n`,
      }
  }
}

/** A redirect without a body. */
export function redirectAnswer(location: string, extra: readonly HeaderEntry[]): DeniedAnswer {
  return {
    status: 302,
    headers: [
      ...EVERY_ANSWER,
      ['location', headerText(location)],
      ['referrer-policy', 'no-referrer'],
      ...extra,
    ],
    body: '',
  }
}

/** Told to crawlers wherever they may not enter. */
export function robotsAnswer(): DeniedAnswer {
  return {
    status: 200,
    headers: [...EVERY_ANSWER, ['content-type', 'text/plain; charset=utf-8']],
    body: 'User-agent: *\nDisallow: /\n',
  }
}

function typed(
  status: number,
  type: string,
  extra: readonly HeaderEntry[],
  body: Readonly<Record<string, unknown>>,
): DeniedAnswer {
  return {
    status,
    headers: [...EVERY_ANSWER, ['content-type', type], ...extra],
    body: `${JSON.stringify(body)}\n`,
  }
}

/** @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, `Status-Message` */
const percentEncoded = (text: string) => encodeURIComponent(text).replaceAll('%20', ' ')
