/** Who is here: the session that the cookie of this host refers to, if it lives. */

import { liveSessions } from '../../access/live-sessions.ts'
import { headerCredentials } from '../../edge/header-credentials.ts'
import { namedSessions } from '../../edge/named-sessions.ts'
import { endedBeside } from '../../edge/session-cookie.ts'
import { CHOOSE_PARAMETER } from '../../edge/sign-in-url.ts'
import { Fault } from '../../errors.ts'
import type { Session } from '../../session/session.ts'
import { cookieValues, sessionCookieOf } from '../cookies.ts'
import type { EndpointName } from '../endpoints.ts'
import { recalledSessions } from '../recall.ts'
import { type Answer, required, type Visit } from '../visit.ts'

export async function readSession(visit: Visit): Promise<Answer | undefined> {
  const [session, ...others] = await findSessions(visit)
  visit.found.session = session
  visit.found.otherSessions = others
  return undefined
}

/**
 * Who is signed in at a provider that does not serve here may still be, in this browser, at one that does.
 */
export async function recallSession(visit: Visit): Promise<Answer | undefined> {
  const { found, request } = visit
  const ids = required(visit, 'providers').map(({ id }) => id)
  if (ids.includes(found.session?.idpId ?? '') || request.query.has(CHOOSE_PARAMETER)) return undefined
  const recalled = await recalledSessions(visit)
  found.session = recalled.find(({ idpId }) => ids.includes(idpId)) ?? found.session
  return undefined
}

/**
 * Two people in one request: whose page it would be is chance, or an attacker's choice. What was planted
 * beside our cookie is taken away, so the next request comes from one. Signing out ends both.
 */
export function refuseSeveralSessions(visit: Visit): Answer | undefined {
  const { found, site, request } = visit
  if ((found.otherSessions ?? []).length === 0) return undefined
  visit.cookies.push(...endedBeside(sessionCookieOf(visit), site.host, request.path))
  found.detail =
    'The request says that it comes from two different sign-ins. Try again: what another site has put beside your own session is taken away. If it stays like this, sign out and in again.'
  throw new Fault('REQUEST_INVALID', 'the session cookies name two live sessions')
}

async function findSessions(visit: Visit): Promise<readonly Session[]> {
  const { request, config, services, now } = visit
  const cookie = sessionCookieOf(visit)
  const values = cookieValues(request.headers.cookie, cookie.cookieName)
  const ids = namedSessions({ cookies: values, headers: headerReferences(visit) }, cookie, services.keys)
  const found = await Promise.all(ids.map(async (id) => services.sessions.find(id)))
  return liveSessions(services, config, found, now)
}

/** Programs read what is told of their users. Whatever ends or begins something is for browsers. */
const FOR_PROGRAMS: ReadonlySet<EndpointName> = new Set(['ME', 'USER', 'PORTAL', 'PORTAL_API'])

function headerReferences({ endpoint, request }: Visit): readonly string[] {
  if (!FOR_PROGRAMS.has(endpoint)) return []
  const { references, problem } = headerCredentials({
    header: (name) => request.headers[name]?.toString(),
  })
  return problem === undefined ? references : []
}
