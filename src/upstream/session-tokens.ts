/**
 * Tokens of the identity provider that a session holds: whether they are good, and how they stay so.
 *
 * @module
 */
import type { Access } from '../access/access.ts'
import { isMachine, type Session } from '../session/session.ts'
import type { MaybePromise } from '../session/store.ts'

export type TokenName = 'access_token' | 'id_token'

interface Token {
  readonly value: string | undefined
  /** Epoch milliseconds; `Infinity` when nobody says. */
  readonly expiresAt: number
}

export function tokenOf(session: Session | undefined, name: TokenName): Token {
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
export function tokensEndAt(names: readonly TokenName[], session: Session | undefined): number {
  return names.reduce((end, name) => Math.min(end, tokenOf(session, name).expiresAt), Infinity)
}

/** Why a session has no such token, in words for whoever asks. */
export function whyMissing(session: Session | undefined): string {
  if (session === undefined) return 'nobody is signed in'
  return isMachine(session.kind)
    ? 'the credential of this program brings none'
    : 'your identity provider gave none when you signed in'
}

/** Refreshed so long before it ends: an upstream should have time to use it. */
const AHEAD_MS = 60_000
/** With less than this left a request waits for the new one. */
const LEAST_LEFT_MS = 10_000
/** Longer than a provider takes, shorter than Envoy waits for us. */
const LONGEST_WAIT_MS = 4000

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
export function renewTokens(
  names: readonly TokenName[],
  check: Access,
  renewal: TokenRenewal,
): MaybePromise<undefined> {
  const session = check.sessions[0]
  if (session?.tokens.refreshToken === undefined || check.sessions.length > 1) return undefined
  const left = tokensEndAt(names, session) - check.now
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

/** Browsers send them without any credentials, and apps answer them without looking for any. */
export function isPreflight({ route, request }: Access): boolean {
  return (
    route?.route.cors_allow_preflight === true &&
    request.method === 'OPTIONS' &&
    request.header('origin') !== undefined &&
    request.header('access-control-request-method') !== undefined
  )
}
