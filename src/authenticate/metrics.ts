/**
 * What the browser flows count.
 *
 * @module
 */
import type { Meter } from '../telemetry/metrics.ts'

type SignInOutcome = 'success' | 'joined' | 'refused' | 'failed'

export interface AuthenticateMetrics {
  signIn(outcome: SignInOutcome): void
  signOut(): void
}

export function createAuthenticateMetrics(meter: Meter, sessionCount: () => number): AuthenticateMetrics {
  const signIns = meter.createCounter('sallyport_sign_ins', {
    description: 'Callbacks of the OpenID provider, by outcome.',
  })
  const signOuts = meter.createCounter('sallyport_sign_outs', {
    description: 'Sign-outs asked for by users.',
  })
  const sessions = meter.createObservableGauge('sallyport_sessions', {
    description: 'Sessions in the store.',
  })
  sessions.addCallback((result) => result.observe(sessionCount()))
  return {
    signIn: (outcome) => signIns.add(1, { outcome }),
    signOut: () => signOuts.add(1),
  }
}
