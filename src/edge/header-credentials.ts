/**
 * What a request says of its sender in headers: session references, tokens of service accounts, and bearer
 * tokens.
 *
 * One reading of `Authorization` decides for all: what the check takes for a token, and what the upstream may
 * not see. Servers part a scheme from its value at any white space, some at white space beyond ASCII. So a
 * scheme that matters is found by its name alone, and every form but the plain one is refused.
 *
 * @see RFC 9110 section 11.4, RFC 6750 section 2.1
 * @module
 */

/** Whose credential it is can't be told, or where it begins. */
export type CredentialForm = 'conflicting-credentials' | 'malformed-credentials'

export interface HeaderCredentials {
  /** Of `x-pomerium-authorization` and of `authorization`, in this order; none is empty. */
  readonly references: readonly string[]
  /** Whether one of the headers speaks to us, with a reference that is worth something or not. */
  readonly isPresent: boolean
  /** Whether `authorization` is ours to take: the upstream must not see it. */
  readonly isAuthorizationOurs: boolean
  /** What is wrong with the form of what speaks to us. */
  readonly problem: CredentialForm | undefined
  /**
   * What follows `Bearer` in `authorization`, when it is another's; empty for a header that holds no token.
   */
  readonly bearer: string | undefined
  /** What is wrong with its form: for routes that take bearer tokens, and for no other. */
  readonly bearerProblem: CredentialForm | undefined
  /** Whether `authorization` has a scheme that no browser sends by itself: a program has written it. */
  readonly isFromProgram: boolean
}

const NONE: HeaderCredentials = {
  references: [],
  isPresent: false,
  isAuthorizationOurs: false,
  problem: undefined,
  bearer: undefined,
  bearerProblem: undefined,
  isFromProgram: false,
}

/**
 * `Pomerium <reference>` and `Bearer Pomerium-<reference>`; schemes compare without case (RFC 9110 section
 * 11.1). Blanks never border on blanks with something between that may be empty: a long row of them would be
 * parted in each of the ways.
 */
const PLAIN_OURS = /^ *(?:pomerium(?: +([\w.~+/=-]+))?|bearer +pomerium-([\w.~+/=-]*)) *$/i
/** A token has no comma and no quote: a list of credentials is not one of them. */
const PLAIN_BEARER = /^ *bearer(?: +([!#-+\--~]+))? *$/i
const PLAIN_HANDLE = /^ *(?:([\w.~+/=-]+) *)?$/
/** Where a list may begin anew, however much of what is invisible stands there. */
const START = String.raw`(?:^|,)[^\x21-\x7e]*`
const MENTIONS_OURS = new RegExp(`${START}(?:pomerium(?![a-z0-9])|bearer[^a-z0-9]*pomerium-)`, 'i')
const MENTIONS_BEARER = new RegExp(`${START}bearer(?![a-z0-9])`, 'i')
/** Schemes that a browser answers a challenge with, and from then on sends by itself. */
const OF_BROWSERS = /^ *(?:basic|digest|negotiate|ntlm) /i

export const REFERENCE_HEADER = 'x-pomerium-authorization'

/** A request, as far as it is read here. */
interface HeaderSource {
  /** By its lower-case name. */
  header(name: string): string | undefined
}

export function headerCredentials(request: HeaderSource): HeaderCredentials {
  const authorization = request.header('authorization')
  const direct = request.header(REFERENCE_HEADER)
  const forProxies = request.header('proxy-authorization')
  if (authorization === undefined && direct === undefined && forProxies === undefined) return NONE
  const isAuthorizationOurs = authorization !== undefined && MENTIONS_OURS.test(authorization)
  const reference = isAuthorizationOurs ? referenceIn(PLAIN_OURS, authorization) : undefined
  const directReference = direct === undefined ? undefined : referenceIn(PLAIN_HANDLE, direct)
  const odd = [
    isAuthorizationOurs && reference === undefined ? authorization : undefined,
    directReference === undefined ? direct : undefined,
    // It is for a proxy before us, and would go on to the app.
    forProxies !== undefined && MENTIONS_OURS.test(forProxies) ? forProxies : undefined,
  ].find((text) => text !== undefined)
  return {
    references: [directReference, reference].filter(
      (text): text is string => text !== undefined && text !== '',
    ),
    isPresent: direct !== undefined || isAuthorizationOurs,
    isAuthorizationOurs,
    problem: odd === undefined ? undefined : formOf(odd),
    ...(isAuthorizationOurs || authorization === undefined ? NOBODY : bearerOf(authorization)),
    isFromProgram: direct !== undefined || (authorization !== undefined && !OF_BROWSERS.test(authorization)),
  }
}

/** Empty for a header of a plain form without a reference. */
function referenceIn(form: RegExp, header: string): string | undefined {
  const found = form.exec(header)
  return found === null ? undefined : (found[1] ?? found[2] ?? '')
}

/** Where a token stands behind something else too: a route that takes tokens must not pass it over. */
function bearerOf(authorization: string): Pick<HeaderCredentials, 'bearer' | 'bearerProblem'> {
  if (!MENTIONS_BEARER.test(authorization)) return NOBODY
  const [whole, token = ''] = PLAIN_BEARER.exec(authorization) ?? []
  return whole === undefined
    ? { bearer: authorization, bearerProblem: formOf(authorization) }
    : { bearer: token, bearerProblem: undefined }
}

const NOBODY = { bearer: undefined, bearerProblem: undefined } as const

/** Two header lines arrive joined by a comma. */
const formOf = (text: string): CredentialForm =>
  text.includes(',') ? 'conflicting-credentials' : 'malformed-credentials'
