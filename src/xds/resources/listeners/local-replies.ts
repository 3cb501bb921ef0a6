/**
 * What Envoy says when it answers by itself: a page for people, JSON or a line of text for programs, each
 * with what to do and the id under which the log has the request.
 *
 * Answers of the check, and those that a route has in its configuration, are local replies to Envoy too. They
 * are told apart by Envoy's own word for what happened and pass as they are; whatever is left is in this
 * table, by status.
 *
 * @see Envoy `HttpConnectionManager.local_reply_config`
 * @module
 */

import { CLEAR_COOKIES_PATH } from '../../../edge/own-links.ts'
import { html } from '../../../transport/html.ts'
import { type Action, actionBar, PAGE_HEADERS, renderPage } from '../../../transport/page.ts'
import { extension, type Fields, literal, setHeader } from '../envoy-json.ts'
import { NAME_NAMESPACE } from '../names.ts'

interface Trouble {
  readonly status: number
  /** Envoy's short names; none where the status says enough. */
  readonly flags?: readonly string[]
  /** How Envoy's details of the answer begin. */
  readonly details?: string
  /** What else must be so, in CEL. */
  readonly expression?: string
  /** One word for programs. */
  readonly code: string
  readonly heading: string
  readonly message: string
  /** Status that the requester gets, if another. */
  readonly givenStatus?: number
  /** Whether the same request may pass in a moment. */
  readonly isPassing?: true
  /** Where a person can do something about it. */
  readonly action?: Action
}

/** The first that fits counts. */
const TROUBLES: readonly Trouble[] = [
  {
    // The filters before the check refuse forms, not people.
    status: 403,
    details: 'rbac_access_denied',
    givenStatus: 400,
    code: 'ambiguous_target',
    heading: 'This address can’t be read',
    message: 'The address has a form that two programs could read in two ways, so it is not passed on.',
  },
  {
    status: 400,
    details: 'path_normalization_failed',
    code: 'ambiguous_target',
    heading: 'This address can’t be read',
    message:
      'The path holds a character that two programs could read in two ways, such as an encoded slash, so it is not passed on.',
  },
  {
    status: 400,
    code: 'bad_request',
    heading: 'This request can’t be read',
    message: 'It is not written as HTTP wants it, so it is not passed on.',
  },
  {
    status: 403,
    code: 'upgrade_refused',
    heading: 'No upgrade here',
    message: 'This address takes no WebSockets or other upgrades, as long as its route does not allow them.',
  },
  {
    status: 404,
    code: 'not_found',
    heading: 'Nothing is here',
    message: 'No app is published at this address. Check how it is written.',
  },
  {
    status: 408,
    code: 'request_timeout',
    isPassing: true,
    heading: 'The request took too long',
    message: 'It did not arrive whole in the time that is given to it. Try again, with less or faster.',
  },
  {
    status: 426,
    code: 'upgrade_required',
    heading: 'Another version of HTTP is needed',
    message: 'This proxy speaks HTTP/1.1 and HTTP/2.',
  },
  {
    status: 431,
    code: 'headers_too_large',
    isPassing: true,
    heading: 'Too much in the headers',
    message:
      'The headers of this request, cookies included, are larger than this proxy takes. Clear the cookies of this site and try again.',
    // Cookies of a path below do not come along there, so it may be reached where this page could not.
    action: { label: 'Clear cookies', href: CLEAR_COOKIES_PATH, main: true },
  },
  {
    status: 500,
    code: 'internal',
    isPassing: true,
    heading: 'Something went wrong',
    message: 'The request could not be passed on. Those who run this proxy can look up the request id.',
  },
  {
    status: 501,
    code: 'not_implemented',
    heading: 'This request can’t be read',
    message: 'Its body is encoded in a way that this proxy does not take.',
  },
  {
    status: 502,
    code: 'bad_gateway',
    isPassing: true,
    heading: 'The app’s answer can’t be read',
    message:
      'The app answered, but not as HTTP wants it or with more headers than this proxy takes. Tell who runs the app.',
  },
  {
    status: 504,
    flags: ['UAEX'],
    givenStatus: 503,
    code: 'no_decision',
    isPassing: true,
    heading: 'Nobody can say whether you may pass',
    message:
      'The part that decides does not answer, so nothing was sent to the app. Try again in a moment; if it lasts, tell who runs this site.',
  },
  {
    status: 503,
    flags: ['UH'],
    expression: `'${NAME_NAMESPACE}' in xds.cluster_metadata.filter_metadata`,
    code: 'name_not_resolved',
    heading: 'The app’s server can’t be found',
    message:
      'You may open it, but the name of its server does not resolve: DNS knows no address for it. Try again in a moment; if it lasts, tell who runs it.',
    isPassing: true,
  },
  {
    status: 503,
    flags: ['UH'],
    code: 'no_server_known',
    isPassing: true,
    heading: 'No copy of the app is there',
    message:
      'You may open it, but its name has no address right now, or none of its servers is well. Try again in a moment; if it lasts, tell who runs it.',
  },
  {
    status: 503,
    flags: ['OM'],
    code: 'overloaded',
    isPassing: true,
    heading: 'Too much at once',
    message: 'This proxy has more to do than it can. Try again in a moment.',
  },
  {
    status: 503,
    flags: ['UO'],
    code: 'app_full',
    isPassing: true,
    heading: 'The app has too much to do',
    message:
      'You may open it, but as many requests or connections as it may have at once are open. Try again in a moment; if it lasts, tell who runs it.',
  },
  {
    status: 503,
    code: 'app_unreachable',
    isPassing: true,
    heading: 'The app does not answer',
    message:
      'You may open it, but it can’t be reached right now. Try again in a moment; if it lasts, tell who runs it.',
  },
  {
    // The app could not be reached, and of a body that is so long nothing is left to try again with.
    status: 507,
    givenStatus: 503,
    code: 'app_unreachable',
    isPassing: true,
    heading: 'The app does not answer',
    message:
      'You may open it, but it can’t be reached right now. Try again in a moment; if it lasts, tell who runs it.',
  },
  {
    status: 504,
    code: 'app_timeout',
    isPassing: true,
    heading: 'The app takes too long',
    message: 'It did not answer in the time that its route allows. Try again in a moment.',
  },
]

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
