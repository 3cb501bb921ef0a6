/**
 * On the authenticate host: the sessions of one browser at several identity providers.
 *
 * The session cookie holds one, that of the last sign-in. Where people use several providers, each session is kept in
 * a cookie of its own beside it, so that going from an app of one provider to an app of another and back does not ask
 * for a sign-in each time.
 *
 * @module
 */
import { makeHandle, openHandle } from '../crypto/session-handle.ts'
import type { Session } from '../session/session.ts'
import { cookieValues, hostOnlyCookie } from './cookies.ts'
import { liveSessions } from './live-sessions.ts'
import type { Visit } from './visit.ts'

const PREFIX = '__Host-sallyport_at_'
const NAME = /(?:^|;)\s*__Host-sallyport_at_([\w-]{1,64})=/g

/** Whether there is more than one provider, or client, to have a session at. */
export function hasSeveralProviders({ services, config }: Visit): boolean {
  return (
    services.idpIdsFor().length > 1 || config.routes.some(({ idp_client_id: client }) => client !== undefined)
  )
}

export function recallCookie(visit: Visit, { id, idpId }: Session): string {
  const { services, config } = visit
  const handle = makeHandle({ sessionId: id, audience: audienceOf(visit, idpId) }, services.keys.cookie)
  return hostOnlyCookie(`${PREFIX}${idpId}`, handle, Math.floor(config.settings.cookie_expire / 1000))
}

/** What the cookies of this browser name, alive or not. Browsers keep one of a name, so two are a forgery and count as none. */
export function recalledHandles(
  visit: Visit,
): readonly { readonly sessionId: string; readonly idpId: string }[] {
  return recalledIds(visit).flatMap((idpId) => {
    const [handle = '', another] = cookieValues(visit.request.headers.cookie, `${PREFIX}${idpId}`)
    const sessionId = openHandle(handle, audienceOf(visit, idpId), visit.services.keys.cookie)
    return sessionId === undefined || another !== undefined ? [] : [{ sessionId, idpId }]
  })
}

/** Those that live, the youngest first. */
export async function recalledSessions(visit: Visit): Promise<readonly Session[]> {
  const { services, config, now } = visit
  const found = await Promise.all(
    recalledHandles(visit).map(async ({ sessionId, idpId }) => {
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
  const names = [...(request.headers.cookie ?? '').matchAll(NAME)].map(([, idpId = '']) => idpId)
  return [...new Set(names)]
}

/** No host and no cookie domain is called so: what is in these cookies opens nothing as a session cookie. */
function audienceOf({ site }: Visit, idpId: string): string {
  return `${site.host} at ${idpId}`
}
