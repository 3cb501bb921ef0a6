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
import { isMachine, type Session } from '../session/session.ts'
import type { MaybePromise } from '../session/store.ts'
import type { ContributorKind, LackWords } from './contributor.ts'
import { headerText } from './header.ts'
import { type TokenName, templatesOf } from './request-header-template.ts'

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

interface Token {
  readonly value: string | undefined
  /** Epoch milliseconds; `Infinity` when nobody says. */
  readonly expiresAt: number
}

function tokenOf(session: Session | undefined, name: TokenName): Token {
  const tokens = session?.tokens
  const [value, expiresAt = Infinity] =
    name === 'access_token'
      ? [tokens?.accessToken, tokens?.accessTokenExpiresAt]
      : [tokens?.idToken, tokens?.idTokenExpiresAt]
  return { value: value === '' ? undefined : value, expiresAt }
}

/** The token if it may be shown to anybody. */
export function goodToken(session: Session | undefined, name: TokenName, now: number): string | undefined {
  const { value, expiresAt } = tokenOf(session, name)
  return expiresAt > now ? value : undefined
}

/** From when on what was made with these tokens is not to be used any more. */
function tokensEndAt({ names }: TokenUse, session: Session | undefined): number {
  return names.reduce((end, name) => Math.min(end, tokenOf(session, name).expiresAt), Infinity)
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
  compile({ route }) {
    const use = tokenUseOf(route)
    if (use === undefined) return undefined
    return {
      renew: (access, renewal) => renewTokens(use, access, renewal),
      require: (access) => requireTokens(use, access),
      write(telling, access) {
        if (use.header === undefined) return
        const value = tokenHeader(use.header, access)
        if (value !== undefined) telling.setToken(use.header.name, value)
      },
      goodUntil: ({ sessions }) => tokensEndAt(use, sessions[0]),
    }
  },
}

/** Refreshed so long before it ends: an upstream should have time to use it. */
const AHEAD_MS = 60_000
/** With less than this left a request waits for the new one. */
const LEAST_LEFT_MS = 10_000
/** Longer than a provider takes, shorter than Envoy waits for us. */
const LONGEST_WAIT_MS = 4000

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
      'The app needs a token of the identity provider, and the one at hand has ended. Try again in a moment; if it stays like this, sign out and in again.',
    cure: 'sign out',
    retryAfter: 5,
  },
} as const satisfies Readonly<Record<string, LackWords>>

type TokenLack = keyof typeof TOKEN_LACKS

/** What renewing needs. */
export interface TokenRenewal {
  /**
   * Has the tokens of a session renewed, once for all who ask at the same time; never rejects. When it
   * resolves the store has what came of it: new tokens, the old ones if the provider is not to be reached, or
   * no session any more.
   */
  readonly refreshNow: (session: Session) => Promise<unknown>
}

/**
 * Has tokens renewed that are about to end; a request waits only if they have all but ended, and not for
 * long. What could not be renewed is judged later, by what is there then.
 */
function renewTokens(use: TokenUse, check: Access, renewal: TokenRenewal): MaybePromise<undefined> {
  const session = check.sessions[0]
  if (session?.tokens.refreshToken === undefined || check.sessions.length > 1) return undefined
  const left = tokensEndAt(use, session) - check.now
  if (left > AHEAD_MS) return undefined
  const renewed = renewal.refreshNow(session)
  return left > LEAST_LEFT_MS ? undefined : patiently(renewed)
}

/** Who waits is judged anew, by what is there then: new tokens, old ones, or no session at all. */
async function patiently(renewed: Promise<unknown>): Promise<undefined> {
  const { promise: patience, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, LONGEST_WAIT_MS)
  await Promise.race([renewed, patience])
  clearTimeout(timer)
}

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

function whyMissing(session: Session | undefined): string {
  if (session === undefined) return 'nobody is signed in'
  return isMachine(session.kind)
    ? 'the credential of this program brings none'
    : 'your identity provider gave none when you signed in'
}

/** Browsers send them without any credentials, and apps answer them without looking for any. */
function isPreflight({ route, request }: Access): boolean {
  return (
    route?.route.cors_allow_preflight === true &&
    request.method === 'OPTIONS' &&
    request.header('origin') !== undefined &&
    request.header('access-control-request-method') !== undefined
  )
}
