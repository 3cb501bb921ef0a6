/**
 * A session as a row of SQLite: profile as JSON, tokens sealed.
 *
 * Ids are kept as they are: a session cookie also needs a MAC, so that a leaked database lets nobody in.
 *
 * @module
 */
import type { SQLOutputValue } from 'node:sqlite'
import type { Sealer } from '../../crypto/seal.ts'
import { refreshDueAt } from '../refresh-due.ts'
import type { Session, SessionTokens } from '../session.ts'
import type { StoreClock } from '../store-clock.ts'

export type Row = Record<string, SQLOutputValue>

type Profile = Pick<
  Session,
  'email' | 'name' | 'claims' | 'groups' | 'authenticatedAt' | 'acr' | 'withoutUserInfo'
>

type Times = Pick<StoreClock, 'toKept' | 'toWall'>

/** @param now on the wall clock, as all times of a session */
export function toRow(session: Session, sealer: Sealer, now: number, clock: Times) {
  const { email, name, claims, groups, acr, withoutUserInfo } = session
  const authenticatedAt = session.authenticatedAt && clock.toKept(session.authenticatedAt)
  const refreshAt = refreshDueAt(session.tokens, now)
  return {
    id: session.id,
    idp_id: session.idpId,
    user_id: session.userId,
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
    issued_at: clock.toKept(session.issuedAt),
    expires_at: clock.toKept(session.expiresAt),
    refresh_at: refreshAt === undefined ? null : clock.toKept(refreshAt),
    version: session.version,
    // What is saved is what the provider has just said.
    claims_at: clock.toKept(now),
    askable_until: clock.toKept(askableUntil(session)),
  }
}

/** By a refresh, or by the access token for as long as that is good. */
function askableUntil({ tokens, expiresAt }: Session): number {
  if (tokens.refreshToken !== undefined) return expiresAt
  return tokens.accessToken === undefined ? 0 : (tokens.accessTokenExpiresAt ?? expiresAt)
}

/** `undefined` for a row whose tokens we can't open: it was altered, or moved from another session. */
export function fromRow(row: Row, sealer: Sealer, clock: Times): Session | undefined {
  const id = textOf(row, 'id')
  const tokens = sealer.open(textOf(row, 'tokens'), placeOf(id))
  if (tokens === undefined) return undefined
  // JSON that we wrote ourselves.
  const profile: Partial<Profile> = JSON.parse(textOf(row, 'profile'))
  const opened: Partial<SessionTokens> = JSON.parse(tokens)
  return {
    id,
    idpId: textOf(row, 'idp_id'),
    userId: textOf(row, 'user_id'),
    email: profile.email,
    name: profile.name,
    claims: profile.claims ?? {},
    groups: profile.groups ?? 'unknown',
    issuedAt: clock.toWall(integerOf(row, 'issued_at')),
    ...(profile.authenticatedAt !== undefined && { authenticatedAt: clock.toWall(profile.authenticatedAt) }),
    ...(profile.acr !== undefined && { acr: profile.acr }),
    ...(profile.withoutUserInfo === true && { withoutUserInfo: true }),
    expiresAt: clock.toWall(integerOf(row, 'expires_at')),
    tokens: {
      accessToken: opened.accessToken,
      accessTokenExpiresAt: opened.accessTokenExpiresAt,
      refreshToken: opened.refreshToken,
      idToken: opened.idToken,
      idTokenExpiresAt: opened.idTokenExpiresAt,
    },
    version: integerOf(row, 'version'),
  }
}

function placeOf(id: string): string {
  return `session/${id}/tokens`
}

export function textOf(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new TypeError(`column ${column} holds no text`)
  return value
}

export function integerOf(row: Row, column: string): number {
  const value = row[column]
  if (typeof value !== 'number') throw new TypeError(`column ${column} holds no integer`)
  return value
}
