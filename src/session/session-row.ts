/**
 * A session as a row of a driver: profile as JSON, tokens sealed, times in kept time.
 *
 * Ids are kept as they are: a session cookie also needs a MAC, so that a leaked store lets nobody in.
 *
 * @module
 */
import type { Sealer } from '../crypto/seal.ts'
import type { SessionRow } from './driver.ts'
import { refreshDueAt } from './refresh/refresh-due.ts'
import type { Session, SessionTokens } from './session.ts'
import type { StoreClock } from './store-clock.ts'

type Profile = Pick<
  Session,
  'email' | 'name' | 'claims' | 'groups' | 'authenticatedAt' | 'acr' | 'withoutUserInfo'
>

type Times = Pick<StoreClock, 'toKept' | 'toWall'>

/** @param now on the wall clock, as all times of a session */
export function toRow(
  session: Omit<Session, 'version'>,
  sealer: Sealer,
  now: number,
  clock: Times,
): Omit<SessionRow, 'version'> {
  const { email, name, claims, groups, acr, withoutUserInfo } = session
  const authenticatedAt = session.authenticatedAt && clock.toKept(session.authenticatedAt)
  const refreshAt = refreshDueAt(session.tokens, now)
  return {
    id: session.id,
    idpId: session.idpId,
    userId: session.userId,
    profile: JSON.stringify({
      email,
      name,
      claims,
      groups,
      authenticatedAt,
      acr,
      withoutUserInfo,
    } satisfies Profile),
    tokens: sealer.seal(JSON.stringify(session.tokens), placeOf(session.id)),
    issuedAt: clock.toKept(session.issuedAt),
    expiresAt: clock.toKept(session.expiresAt),
    refreshAt: refreshAt === undefined ? undefined : clock.toKept(refreshAt),
    // What is saved is what the provider has just said.
    claimsAt: clock.toKept(now),
    askableUntil: clock.toKept(askableUntil(session)),
  }
}

/** By a refresh, or by the access token for as long as that is good. */
function askableUntil({ tokens, expiresAt }: Omit<Session, 'version'>): number {
  if (tokens.refreshToken !== undefined) return expiresAt
  return tokens.accessToken === undefined ? 0 : (tokens.accessTokenExpiresAt ?? expiresAt)
}

/** `undefined` for a row whose tokens we can't open: it was altered, or moved from another session. */
export function fromRow(row: SessionRow, sealer: Sealer, clock: Times): Session | undefined {
  const tokens = sealer.open(row.tokens, placeOf(row.id))
  if (tokens === undefined) return undefined
  // JSON that we wrote ourselves.
  const profile: Partial<Profile> = JSON.parse(row.profile)
  const opened: Partial<SessionTokens> = JSON.parse(tokens)
  return {
    id: row.id,
    idpId: row.idpId,
    userId: row.userId,
    email: profile.email,
    name: profile.name,
    claims: profile.claims ?? {},
    groups: profile.groups ?? 'unknown',
    issuedAt: clock.toWall(row.issuedAt),
    ...(profile.authenticatedAt !== undefined && { authenticatedAt: clock.toWall(profile.authenticatedAt) }),
    ...(profile.acr !== undefined && { acr: profile.acr }),
    ...(profile.withoutUserInfo === true && { withoutUserInfo: true }),
    expiresAt: clock.toWall(row.expiresAt),
    tokens: {
      accessToken: opened.accessToken,
      accessTokenExpiresAt: opened.accessTokenExpiresAt,
      refreshToken: opened.refreshToken,
      idToken: opened.idToken,
      idTokenExpiresAt: opened.idTokenExpiresAt,
    },
    version: row.version,
  }
}

function placeOf(id: string): string {
  return `session/${id}/tokens`
}
