/**
 * On the authenticate host: the sessions of one browser at several identity providers.
 *
 * The session cookie holds one, that of the last sign-in. Where people use several providers, each session is
 * kept in a cookie of its own beside it, so that going from an app of one provider to an app of another and
 * back does not ask for a sign-in each time.
 *
 * @module
 */

import { liveSessions } from '../access/live-sessions.ts'
import { makeReference, openReference } from '../edge/session-reference.ts'
import type { Session } from '../session/session.ts'
import { cookiePairs } from '../transport/cookie-header.ts'
import { cookieValues, hostOnlyCookie } from './cookies.ts'
import type { Visit } from './visit.ts'

const PREFIX = '__Host-sallyport_at_'
const IDP_ID = /^[\w-]{1,64}$/

/** Whether there is more than one provider, or client, to have a session at. */
export function hasSeveralProviders({ services, config }: Visit): boolean {
  return (
    services.idpIdsFor().length > 1 || config.routes.some(({ idp_client_id: client }) => client !== undefined)
  )
}

export function recallCookie(visit: Visit, { id, idpId }: Session): string {
  const { services, config } = visit
  const scope = scopeOf(visit, idpId)
  const reference = makeReference({ sessionId: id, ...scope }, services.keys.cookie)
  return hostOnlyCookie(scope.cookieName, reference, Math.floor(config.settings.cookie_expire / 1000))
}

/**
 * What the cookies of this browser name, alive or not. Browsers keep one of a name, so two are a forgery and
 * count as none.
 */
export function recalledReferences(
  visit: Visit,
): readonly { readonly sessionId: string; readonly idpId: string }[] {
  return recalledIds(visit).flatMap((idpId) => {
    const scope = scopeOf(visit, idpId)
    const [reference = '', another] = cookieValues(visit.request.headers.cookie, scope.cookieName)
    const sessionId = openReference(reference, scope, visit.services.keys.cookie)
    return sessionId === undefined || another !== undefined ? [] : [{ sessionId, idpId }]
  })
}

/** Those that live, the youngest first. */
export async function recalledSessions(visit: Visit): Promise<readonly Session[]> {
  const { services, config, now } = visit
  const found = await Promise.all(
    recalledReferences(visit).map(async ({ sessionId, idpId }) => {
      const session = await services.sessions.find(sessionId)
      return session?.idpId === idpId ? session : undefined
    }),
  )
  const live = await liveSessions(services, config, found, now)
  return live.toSorted((a, b) => b.issuedAt - a.issuedAt)
}

export function clearedRecallCookies(visit: Visit): readonly string[] {
  return recalledIds(visit).map((idpId) => hostOnlyCookie(`${PREFIX}${idpId}`, '', 0))
}

function recalledIds({ request }: Visit): readonly string[] {
  const names = cookiePairs(request.headers.cookie).map(({ name }) => name)
  const ids = names.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length))
  return [...new Set(ids.filter((id) => IDP_ID.test(id)))]
}

/** No host and no cookie domain is called so: what is in these cookies opens nothing as a session cookie. */
function scopeOf({ site }: Visit, idpId: string) {
  return { audience: `${site.host} at ${idpId}`, cookieName: `${PREFIX}${idpId}` } as const
}
