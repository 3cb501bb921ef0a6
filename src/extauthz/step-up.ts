/**
 * The check of what a route asks for beyond its policy: a recent sign-in, or one of a certain strength.
 *
 * @module
 */

import { meetsDemand } from '../access/sign-in-age.ts'
import { isMachine } from '../session/session.ts'
import { type Check, CheckFacts, subjectOf, type Verdict } from './check.ts'
import type { Ports } from './ports.ts'

/** Only those are asked who would pass; and nobody whom the policy would let pass unknown. */
export function askForStepUp(check: Check, data: Ports['data']): Verdict | undefined {
  const { route, sessions, decision, now } = check
  const session = sessions[0]
  if (route?.isDemanding !== true || session === undefined || decision === undefined) return undefined
  if (!isMachine(session.kind) && meetsDemand(session, route.demand, now)) return undefined
  const unknown = route.policy.decide(subjectOf(undefined), new CheckFacts(check, data))
  if (unknown.outcome === 'allow') return undefined
  return isMachine(session.kind)
    ? { outcome: 'refuse', reason: 'no-person-signs-in' }
    : { outcome: 'step-up', decision }
}
