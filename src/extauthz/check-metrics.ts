/**
 * How many checks there were, how they ended and how long they took.
 *
 * @module
 */
import type { PolicyOutcome } from '../policy/decision.ts'
import type { Meter } from '../telemetry/metrics.ts'
import type { Verdict } from './check.ts'

type Outcome = Verdict['outcome'] | 'failure'

const OUTCOMES: readonly Outcome[] = ['allow', 'sign-in', 'step-up', 'deny', 'refuse', 'failure']

/** Seconds. Most checks take tens of microseconds. */
const BUCKETS = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1]

export interface CheckMetrics extends Disposable {
  count(outcome: Outcome, seconds: number): void
  /** A client had its share of an app open already. */
  countOverShare(route: { readonly id: string; readonly from: string }): void
  /** A decision that would be another if the rules that are only watched counted. */
  countObserved(decided: PolicyOutcome, observed: PolicyOutcome): void
}

/** Counts in plain numbers and hands them over when they are read: a check is too short for more. */
export function createCheckMetrics(meter: Meter): CheckMetrics {
  const counts: Record<Outcome, number> = {
    allow: 0,
    'sign-in': 0,
    'step-up': 0,
    deny: 0,
    refuse: 0,
    failure: 0,
  }
  const checks = meter.createObservableCounter('sallyport_authorize_checks', {
    description: 'Checks that Envoy asked for, by outcome.',
  })
  const observe: Parameters<typeof checks.addCallback>[0] = (result) => {
    for (const outcome of OUTCOMES) result.observe(counts[outcome], { outcome })
  }
  checks.addCallback(observe)
  const durations = meter.createHistogram('sallyport_authorize_check_duration_seconds', {
    description: 'Time from the bytes of a check to those of its answer.',
    unit: 's',
    advice: { explicitBucketBoundaries: BUCKETS },
  })
  const observed = meter.createCounter('sallyport_observed_decisions', {
    description: 'Decisions that would be others if rules with `mode: observe` counted.',
  })
  const overShare = meter.createCounter('sallyport_client_share_refusals', {
    description: 'Requests of clients that had as many open at an app as one client may have.',
  })
  return {
    countOverShare: ({ id, from }) => overShare.add(1, { route_id: id, from }),
    count(outcome, seconds) {
      counts[outcome]++
      durations.record(seconds)
    },
    countObserved: (decided, wouldBe) => observed.add(1, { decided, observed: wouldBe }),
    [Symbol.dispose]() {
      checks.removeCallback(observe)
    },
  }
}
