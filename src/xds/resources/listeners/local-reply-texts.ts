/**
 * For what Envoy answers by itself, by status: what people and programs read, and what they can do about it.
 *
 * @module
 */
import { CLEAR_COOKIES_PATH } from '../../../edge/own-links.ts'
import type { Action } from '../../../transport/page.ts'
import { NAME_NAMESPACE } from '../names.ts'

export interface Trouble {
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
export const TROUBLES: readonly Trouble[] = [
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
