/** Who is here: the session that the cookie of this host refers to, if it lives. */
import { openHandle } from '../../crypto/session-handle.ts'
import type { Session } from '../../session/session.ts'
import { cookieValues, handleAudience } from '../cookies.ts'
import type { Answer, Visit } from '../visit.ts'

export async function readSession(visit: Visit): Promise<Answer | undefined> {
  visit.found.session = await findSession(visit)
  return undefined
}

async function findSession({ request, config, services, site }: Visit): Promise<Session | undefined> {
  const audience = handleAudience(site.host, config.settings)
  for (const value of cookieValues(request.headers.cookie, config.settings.cookie_name)) {
    const sessionId = openHandle(value, audience, services.keys.cookie)
    const session = sessionId === undefined ? undefined : await services.sessions.find(sessionId)
    if (session !== undefined) return session
  }
  return undefined
}
