/**
 * What is counted of refreshes.
 *
 * @module
 */
import type { Meter } from '../../telemetry/metrics.ts'

export type RefreshOutcome = 'success' | 'refused' | 'postponed'

export interface RefreshMetrics {
  refresh(outcome: RefreshOutcome): void
}

export function createRefreshMetrics(meter: Meter): RefreshMetrics {
  const refreshes = meter.createCounter('sallyport_session_refreshes', {
    description: 'Attempts to refresh the tokens of a session, by outcome.',
  })
  return { refresh: (outcome) => refreshes.add(1, { outcome }) }
}
