/**
 * Tokens of the identity provider for the upstream: which of them a route passes on, and whether they are
 * good.
 *
 * A token is passed on only while it is good and only where a route asks for it. Where it is not to be had,
 * that is an answer of its own, never an empty header.
 *
 * @module
 */

import type { Access, Refused } from '../access/access.ts'
import type { Route } from '../config/config.ts'
import { HEADERS_OF_KEYS } from '../config/keys/upstream/upstream-headers.ts'
import type { ContributorKind, LackWords } from './contributor.ts'
import { headerText } from './header.ts'
import { templatesOf } from './request-header-template.ts'
import {
  goodToken,
  isPreflight,
  renewTokens,
  type TokenName,
  type TokenRenewal,
  tokenOf,
  tokensEndAt,
  whyMissing,
} from './session-tokens.ts'

/** What a route passes on. */
interface TokenUse {
  /** Each that goes into a header. */
  readonly names: readonly TokenName[]
  /** Without these the request does not pass. */
  readonly required: readonly TokenName[]
  /** Lower-case name of the header of its own, and what goes into it. */
  readonly header: { readonly name: string; readonly token: TokenName } | undefined
}

/** `undefined` for the many routes that pass none on. */
function tokenUseOf(route: Route): TokenUse | undefined {
  const { pass_idp_token: passed } = route
  const inTemplates = templatesOf(route).flatMap(([, { idpTokens }]) => idpTokens)
  const names = new Set([...(passed === undefined ? [] : [passed.token]), ...inTemplates])
  if (names.size === 0) return undefined
  const required = new Set(passed?.optional === false ? [passed.token, ...inTemplates] : inTemplates)
  return {
    names: [...names],
    required: [...required],
    header: passed && { name: passed.header.toLowerCase(), token: passed.token },
  }
}

function tokenHeader({ name, token }: NonNullable<TokenUse['header']>, check: Access): string | undefined {
  const value = goodToken(check.sessions[0], token, check.now)
  if (value === undefined) return undefined
  return headerText(name === 'authorization' ? `Bearer ${value}` : value)
}

/**
 * Those that templates name go into the headers of the templates; they are renewed and asked for here as
 * well.
 */
export const idpTokens: ContributorKind<Access, TokenRenewal, TokenLack> = {
  headersOf: ({ route }) => HEADERS_OF_KEYS.pass_idp_token(route),
  needs: (route) =>
    (tokenUseOf(route)?.required ?? []).map((name) => `the ${name} of the user, which must be good`),
  compile({ route }) {
    const use = tokenUseOf(route)
    if (use === undefined) return undefined
    return {
      renew: (access, renewal) => renewTokens(use.names, access, renewal),
      require: (access) => requireTokens(use, access),
      write(telling, access) {
        if (use.header === undefined) return
        const value = tokenHeader(use.header, access)
        if (value !== undefined) telling.setToken(use.header.name, value)
      },
      goodUntil: ({ sessions }) => tokensEndAt(use.names, sessions[0]),
    }
  },
}

export const TOKEN_LACKS = {
  'idp-token-missing': {
    status: 403,
    heading: 'A token is missing',
    message: 'The app needs a token of the identity provider to know you, and there is none',
  },
  'idp-token-expired': {
    status: 503,
    heading: 'A token could not be renewed',
    message:
      'The app needs a token of the identity provider, and the one at hand has expired. Try again in a moment. If that does not help, sign out and in again.',
    cure: 'sign out',
    retryAfter: 5,
  },
} as const satisfies Readonly<Record<string, LackWords>>

type TokenLack = keyof typeof TOKEN_LACKS

/** After the policy has allowed: nobody else is told what this route needs. */
function requireTokens(use: TokenUse, check: Access): Refused<TokenLack> | undefined {
  const { sessions, now } = check
  const session = sessions[0]
  const lacking = use.required.find((name) => goodToken(session, name, now) === undefined)
  if (lacking === undefined || (session === undefined && isPreflight(check))) return undefined
  return tokenOf(session, lacking).value === undefined
    ? { outcome: 'refuse', reason: 'idp-token-missing', detail: whyMissing(session) }
    : { outcome: 'refuse', reason: 'idp-token-expired' }
}
