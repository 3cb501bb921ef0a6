/**
 * What the browser flows count.
 *
 * @module
 */
import type { Meter } from '../telemetry/metrics.ts'

type SignInOutcome = 'success' | 'joined' | 'refused' | 'failed'
export type RefreshOutcome = 'success' | 'refused' | 'postponed'

export interface AuthenticateMetrics {
  signIn(outcome: SignInOutcome): void
  signOut(): void
  refresh(outcome: RefreshOutcome): void
}

export function createAuthenticateMetrics(meter: Meter, sessionCount: () => number): AuthenticateMetrics {
  const signIns = meter.createCounter('sallyport_sign_ins', {
    description: 'Callbacks of the OpenID provider, by outcome.',
  })
  const signOuts = meter.createCounter('sallyport_sign_outs', {
    description: 'Sign-outs asked for by users.',
  })
  const refreshes = meter.createCounter('sallyport_session_refreshes', {
    description: 'Attempts to refresh the tokens of a session, by outcome.',
  })
  const sessions = meter.createObservableGauge('sallyport_sessions', {
    description: 'Sessions in the store.',
  })
  sessions.addCallback((result) => result.observe(sessionCount()))
  return {
    signIn: (outcome) => signIns.add(1, { outcome }),
    signOut: () => signOuts.add(1),
    refresh: (outcome) => refreshes.add(1, { outcome }),
  }
}
