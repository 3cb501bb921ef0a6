/**
 * What Envoy says when it answers by itself: a page for people, JSON or a line of text for programs, each
 * with what to do and the id under which the log has the request.
 *
 * Answers of the check, and those that a route has in its configuration, are local replies to Envoy too. They
 * are told apart by Envoy's own word for what happened and pass as they are; whatever is left is in the
 * table of `local-reply-texts.ts`, by status.
 *
 * @see Envoy `HttpConnectionManager.local_reply_config`
 * @module
 */
import { html } from '../../../transport/html.ts'
import { type Action, actionBar, PAGE_HEADERS, renderPage } from '../../../transport/page.ts'
import { extension, type Fields, literal, setHeader } from '../envoy-json.ts'
import { TROUBLES, type Trouble } from './local-reply-texts.ts'

/**
 * The decision id. What Envoy refuses before it has given one gets one here, for header and body alike; an id
 * that the client has sent is not Envoy's by then, and may hold anything.
 */
const REQUEST_ID: readonly Fields[] = [
  '%UNIQUE_ID%',
  "%CEL('x-request-id' in request.headers && request.headers['x-request-id'].matches('^[0-9a-f-]+$') ? request.headers['x-request-id'] : '')%",
].map((value) => ({
  header: { key: 'x-request-id', value },
  append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
}))

const DECISION_ID = '%RESP(X-REQUEST-ID)%'

const statusIs = (status: number): Fields => ({
  status_code_filter: {
    comparison: { op: 'EQ', value: { default_value: status, runtime_key: 'local_reply.unused' } },
  },
})

const matches = (expression: string): Fields => ({
  extension_filter: extension(
    'envoy.access_loggers.extension_filters.cel',
    'envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
    { expression },
  ),
})

const accepts = (regex: string): Fields => ({
  header_filter: { header: { name: 'accept', string_match: { safe_regex: { regex } } } },
})

/** JSON that stands before HTML means a program that takes a page too, if it must. */
const JSON_BEFORE_HTML = '(?i).*json.*text/html.*'
const wantsHtml: readonly Fields[] = [
  accepts('(?i).*text/html.*'),
  {
    header_filter: {
      header: {
        name: 'accept',
        string_match: { safe_regex: { regex: JSON_BEFORE_HTML } },
        invert_match: true,
      },
    },
  },
]
const wantsJson: readonly Fields[] = [accepts('(?i).*[/+]json.*')]

/** The list of apps, which is there on each host that has a route. */
const PORTAL: Action = { label: 'Your apps', href: '/.pomerium/routes' }
const AGAIN: Action = { label: 'Try again', href: '', main: true }

function page({ heading, message, isPassing, status, action }: Trouble, hasSignIn: boolean): string {
  const actions = [
    ...(action === undefined ? [] : [action]),
    ...(isPassing ? [AGAIN] : []),
    ...(hasSignIn && status !== 404 ? [PORTAL] : []),
  ]
  const marked = renderPage({
    title: heading,
    heading,
    body: html`<p>${message}</p>${actions.length > 0 && actionBar(actions)}`,
    tone: 'warn',
    requestId: '@ID@',
  })
  return literal(marked).replaceAll('@ID@', DECISION_ID)
}

/** Envoy wants at least two filters in an `and`. */
const matching = (filters: readonly Fields[]): Fields =>
  filters.length === 1 ? (filters[0] ?? {}) : { and_filter: { filters } }

/** Of every answer: nothing of it is kept anywhere, and no upstream has spoken. */
const EVERY_ANSWER: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-pomerium-intercepted-response': 'true',
}

const headersOf = (headers: Readonly<Record<string, string>>): readonly Fields[] => [
  ...REQUEST_ID,
  ...Object.entries({ ...EVERY_ANSWER, ...headers }).map(([name, value]) => setHeader(name, value)),
]

function mappersOf(trouble: Trouble, hasSignIn: boolean): readonly Fields[] {
  const { status, givenStatus, flags, details, expression, code, heading, message } = trouble
  const as = givenStatus === undefined ? {} : { status_code: givenStatus }
  const when = [
    statusIs(status),
    ...(flags === undefined ? [] : [{ response_flag_filter: { flags } }]),
    ...(details === undefined ? [] : [matches(`response.code_details.startsWith('${details}')`)]),
    ...(expression === undefined ? [] : [matches(expression)]),
  ]
  const { 'content-type': contentType, ...pageHeaders } = PAGE_HEADERS
  return [
    {
      filter: matching([...when, ...wantsHtml]),
      ...as,
      body_format_override: {
        text_format_source: { inline_string: page(trouble, hasSignIn) },
        content_type: contentType,
      },
      headers_to_add: headersOf(pageHeaders),
    },
    {
      filter: matching([...when, ...wantsJson]),
      ...as,
      body_format_override: {
        json_format: {
          error: code,
          status: givenStatus ?? status,
          message: literal(message),
          request_id: DECISION_ID,
        },
      },
      headers_to_add: headersOf({}),
    },
    {
      filter: matching(when),
      ...as,
      body_format_override: {
        text_format_source: { inline_string: `${literal(`${heading}. ${message}`)} (${DECISION_ID})\n` },
        content_type: 'text/plain; charset=utf-8',
      },
      headers_to_add: headersOf({}),
    },
  ]
}

/** Said by the check, or by a route of the configuration. */
const inOtherWords: Fields = {
  filter: matches(
    "response.code_details == 'direct_response' || response.code_details == 'ext_authz_denied'",
  ),
}

const repliesWith = (hasSignIn: boolean): Fields => ({
  mappers: [inOtherWords, ...TROUBLES.flatMap((trouble) => mappersOf(trouble, hasSignIn))],
})

const WITH_SIGN_IN = repliesWith(true)
const WITHOUT_SIGN_IN = repliesWith(false)

/** @param hasSignIn whether there is a list of apps to lead to */
export const localReplies = (hasSignIn: boolean): Fields => (hasSignIn ? WITH_SIGN_IN : WITHOUT_SIGN_IN)
