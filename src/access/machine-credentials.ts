/**
 * The checks of what machines show in the place of a cookie.
 *
 * @module
 */

import { isMachine } from '../session/session.ts'
import type { MaybePromise } from '../session/store.ts'
import { type Access, isSignedIn, type Refused, sourceIpOf } from './access.ts'
import { isMeantFor, type ServiceAccount } from './credentials/service-account/service-account.ts'
import type { BearerSource, ServiceAccountSource } from './ports.ts'

/**
 * A token that names no account that lives is refused and not passed over, on public routes too: whoever
 * sends one means to be somebody, and is better told that it has ended.
 */
export function findServiceAccounts(
  access: Access,
  accounts: ServiceAccountSource | undefined,
): MaybePromise<Refused | undefined> {
  const { visitor } = access
  if (visitor === undefined || (visitor.serviceAccountIds.length === 0 && !visitor.hasForgedToken))
    return undefined
  if (visitor.hasForgedToken || accounts === undefined) return invalid('it is not one of ours')
  const found = visitor.serviceAccountIds.map((id) => accounts.find(id))
  if (found.some((account) => account instanceof Promise))
    return Promise.all(found.map(async (account) => account)).then((late) => take(access, late, accounts))
  return take(
    access,
    found.map((account) => (account instanceof Promise ? undefined : account)),
    accounts,
  )
}

function take(
  access: Access,
  found: readonly (ServiceAccount | undefined)[],
  accounts: ServiceAccountSource,
): Refused | undefined {
  const { route, host, now } = access
  for (const account of found) {
    if (account === undefined) return invalid('the service account was revoked')
    // Before it is judged, so that the log names it when it is refused.
    access.sessions = [...access.sessions, account.session]
    if (now >= account.session.expiresAt) return invalid('the service account has expired')
    if (route === undefined || !isMeantFor(account, route.route, host))
      return { outcome: 'refuse', reason: 'token-not-for-this-route' }
    accounts.noteUse(account.id, now)
  }
  return undefined
}

/**
 * A bearer token on a route that takes them is somebody's or is refused: it is never passed over.
 *
 * @throws {Fault} when whose it is can't be found out
 */
export function verifyBearer(
  access: Access,
  source: BearerSource | undefined,
): MaybePromise<Refused | undefined> {
  const { route } = access
  const token = access.credentials.bearer
  if (token === undefined || route?.takesBearer !== true) return undefined
  access.isBearerTaken = true
  if (source === undefined) throw new Error('a route takes bearer tokens, and nobody verifies them')
  const found = source.session(route.route, token, sourceIpOf(access))
  return found instanceof Promise ? found.then((late) => takeBearer(access, late)) : takeBearer(access, found)
}

function takeBearer(
  access: Access,
  found: Awaited<ReturnType<BearerSource['session']>>,
): Refused | undefined {
  if ('problem' in found)
    return found.isTooMany === true
      ? { outcome: 'refuse', reason: 'too-many-invalid-tokens' }
      : invalid(found.problem)
  access.sessions = [...access.sessions, found]
  return undefined
}

/**
 * A token is as old as it says, whenever it came here first. Nobody notes when a token is used, so that its
 * age is also the longest time for which its owner may have been away. One that does not say how old it is,
 * is too old.
 */
export function refuseOldTokens(access: Access): Refused | undefined {
  const { route, now } = access
  for (const session of access.sessions.filter((each) => !isSignedIn(access, each))) {
    if (now >= session.expiresAt) return invalid('it has expired')
    if (isMachine(session.kind)) continue
    const age = now - session.issuedAt
    if (age >= (route?.route.session_lifetime ?? Infinity)) return invalid(TOO_OLD)
    if (age >= (route?.idleTimeout ?? Infinity)) return invalid(PERHAPS_AWAY)
  }
  return undefined
}

const TOO_OLD = 'it was issued longer ago than this route takes (session_lifetime), or does not say when'
const PERHAPS_AWAY =
  'it was issued longer ago than this route takes (session_idle_timeout), or does not say when'

const invalid = (detail: string): Refused => ({ outcome: 'refuse', reason: 'invalid-token', detail })
