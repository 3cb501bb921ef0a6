/** The last redirect on the authenticate host: over the hand-off to the target's host. */
import type { Session } from '../../session/session.ts'
import { handOffUrl } from '../hand-off.ts'
import { type Answer, redirect, required, type Visit } from '../visit.ts'
import { arrive } from './chain.ts'

export function goToTarget(
  visit: Visit,
  session: Session,
  flow: string | undefined,
  untied: readonly string[],
): Answer {
  const target = required(visit, 'target')
  const { host } = target
  if (visit.sites.hasSignIn(target) && untied.length === 0) return goThere(visit, target)
  return redirect(visit, handOffUrl(visit, 'HAND_OFF', { sessionId: session.id, host, flow, target, untied }))
}

/** The cookie is there already. A Strict one is not sent on a redirect that began at the provider. */
function goThere(visit: Visit, target: URL): Answer {
  return visit.config.settings.cookie_same_site === 'strict' ? arrive(visit) : redirect(visit, target)
}
