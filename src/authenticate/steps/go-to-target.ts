/** The last redirect on the authenticate host: over the hand-off to the target's host. */
import type { Session } from '../../session/session.ts'
import { handOffUrl } from '../hand-off.ts'
import { type Answer, redirect, required, type Visit } from '../visit.ts'

export function goToTarget(
  visit: Visit,
  session: Session,
  flow: string | undefined,
  untied: readonly string[],
): Answer {
  const target = required(visit, 'target')
  const { host } = target
  if (host === visit.sites.authenticateUrl.host) return redirect(visit, target)
  return redirect(visit, handOffUrl(visit, 'HAND_OFF', { sessionId: session.id, host, flow, target, untied }))
}
