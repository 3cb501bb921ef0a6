/**
 * The public keys of an issuer: fetched when first needed, renewed behind the scenes, and kept while they
 * can't be.
 *
 * A token may name a key that we have not seen. That makes us ask at most once a minute, whether the answer
 * helps or not.
 *
 * @module
 */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { reasonOf } from '../../errors.ts'
import { HttpFailure } from '../../outbound/http-client.ts'

const RENEW_AFTER_MS = 600_000
const UNKNOWN_KEY_INTERVAL_MS = 60_000
const FIRST_RETRY_MS = 1000

export interface KeySetOptions {
  /** Fetches the keys; what it throws is passed on while there are none. */
  readonly load: () => Promise<unknown>
  readonly now?: () => number
}

/**
 * @returns for jose's verifying functions; throws `HttpFailure` when keys can't be had, jose's errors when
 * none fits
 */
export function createKeySet({ load, now = () => Date.now() }: KeySetOptions): JWTVerifyGetKey {
  let keys: { readonly find: JWTVerifyGetKey; readonly at: number } | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let failure: { readonly error: unknown; readonly times: number } | undefined
  let pending: Promise<void> | undefined

  async function fetchKeys(): Promise<void> {
    askedAt = now()
    try {
      keys = { find: createLocalJWKSet(keySetOf(await load())), at: askedAt }
      failure = undefined
    } catch (error) {
      failure = { error, times: (failure?.times ?? 0) + 1 }
      throw error
    } finally {
      pending = undefined
    }
  }

  const renew = (): Promise<void> => (pending ??= fetchKeys())
  /**
   * Not sooner after a failure than after its pause, which grows; false too while the clock says nonsense.
   */
  const isPaused = (pauseMs: number): boolean => now() - askedAt < pauseMs && now() >= askedAt
  const retryPause = (): number =>
    failure === undefined ? 0 : Math.min(FIRST_RETRY_MS * 2 ** (failure.times - 1), UNKNOWN_KEY_INTERVAL_MS)

  return async (header, token) => {
    if (keys === undefined) {
      if (failure !== undefined && pending === undefined && isPaused(retryPause())) throw failure.error
      await renew()
    } else if (now() - keys.at >= RENEW_AFTER_MS && !isPaused(retryPause()))
      // What was true ten minutes ago is good enough while it is being renewed, or can't be.
      renew().catch(() => undefined)
    if (keys === undefined) throw new HttpFailure('its keys can not be had')
    try {
      return await keys.find(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      if (isPaused(UNKNOWN_KEY_INTERVAL_MS) && pending === undefined) {
        // Whether there is such a key by now can't be told while the issuer does not answer.
        if (failure !== undefined) throw unavailable(failure.error)
        throw error
      }
      await renew().catch((cause: unknown) => {
        throw unavailable(cause)
      })
      return await keys.find(header, token)
    }
  }
}

function keySetOf(value: unknown): JSONWebKeySet {
  if (isKeySet(value)) return value
  throw new errors.JWKSInvalid('what it serves is no JSON Web Key Set')
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys)
}

function unavailable(cause: unknown): HttpFailure {
  return cause instanceof HttpFailure ? cause : new HttpFailure(reasonOf(cause), { cause })
}
