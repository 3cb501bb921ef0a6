/**
 * What a route asks for besides its policy, in a test: a sign-in that is recent, or of a certain strength.
 *
 * By the rule that requests are judged by, on what the test says of the sign-in.
 *
 * @module
 */

import type { Route, Settings } from '../../config/config.ts'
import type { CompiledPolicy, Decision, RequestFacts, Subject } from '../../policy/decision.ts'
import { ANONYMOUS } from '../access.ts'
import { meetsDemand } from '../sign-in-age.ts'

type GlobalTest = NonNullable<Settings['tests']>[number]

/**
 * Whether the person would have to sign in once more. A test that neither says anything of the sign-in nor
 * expects a step-up is one of the policy alone.
 */
export function needsStepUp(
  test: Pick<GlobalTest, 'authenticated_at' | 'acr' | 'expect'>,
  { max_age: maxAge, acr_values: acrValues = [] }: Route,
  asked: {
    readonly policy: CompiledPolicy
    readonly decision: Decision
    readonly subject: Subject
    readonly facts: RequestFacts
  },
): boolean {
  const { authenticated_at: at, acr, expect } = test
  const { policy, decision, subject, facts } = asked
  if (at === undefined && acr === undefined && expect !== 'step-up') return false
  if (decision.outcome !== 'allow' || subject.kind !== 'user') return false
  const now = facts.now
  const signIn = {
    authenticatedAt: at === undefined || now === undefined ? undefined : Date.parse(at),
    issuedAt: Number.POSITIVE_INFINITY,
    acr,
  }
  if (meetsDemand(signIn, { maxAge, acrValues }, now ?? 0)) return false
  // nobody is asked for a better sign-in where none is needed
  return policy.decide(ANONYMOUS, facts).outcome !== 'allow'
}
