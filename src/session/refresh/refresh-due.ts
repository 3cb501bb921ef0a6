/**
 * When the tokens of a session have to be refreshed. Pure.
 *
 * @module
 */
import type { SessionTokens } from '../session.ts'

/** A provider whose answers are outdated on arrival is asked again, but not at once. */
const RETRY_OUTDATED_MS = 60_000

/**
 * The moment the first token ends; `undefined` when that is unknown or nothing can be done about it.
 *
 * An ID token that has ended already does not count: many providers give no new one on refresh, and the
 * session would be due for ever.
 */
export function refreshDueAt(tokens: SessionTokens, now: number): number | undefined {
  if (tokens.refreshToken === undefined) return undefined
  const ends = [tokens.accessTokenExpiresAt, tokens.idTokenExpiresAt].filter((end) => end !== undefined)
  const ahead = ends.filter((end) => end > now)
  if (ahead.length > 0) return Math.min(...ahead)
  return tokens.accessTokenExpiresAt === undefined ? undefined : now + RETRY_OUTDATED_MS
}
