/**
 * The check of what a route asks for beyond its policy: a recent sign-in, or one of a certain strength.
 *
 * @module
 */

import { isMachine } from '../session/session.ts'
import { type Access, AccessFacts, subjectOf, type Verdict } from './access.ts'
import type { AccessDependencies } from './ports.ts'
import { meetsDemand } from './sign-in-age.ts'

/** Only those are asked who would pass; and nobody whom the policy would let pass unknown. */
export function askForStepUp(access: Access, data: AccessDependencies['data']): Verdict | undefined {
  const { route, sessions, decision, now } = access
  const session = sessions[0]
  if (route?.isDemanding !== true || session === undefined || decision === undefined) return undefined
  if (!isMachine(session.kind) && meetsDemand(session, route.demand, now)) return undefined
  const unknown = route.policy.decide(subjectOf(undefined), new AccessFacts(access, data))
  if (unknown.outcome === 'allow') return undefined
  return isMachine(session.kind)
    ? { outcome: 'refuse', reason: 'no-person-signs-in' }
    : { outcome: 'step-up', decision }
}
