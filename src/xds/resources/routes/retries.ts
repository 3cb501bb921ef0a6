/**
 * When Envoy sends a request once more, and to whom.
 *
 * @module
 */

import type { Route, Settings } from '../../../config/config.ts'
import { RETRIED_BY_DEFAULT } from '../../../config/keys/upstream/retry-keys.ts'
import { duration, extension, type Fields } from '../envoy-json.ts'

const DEFAULT_RETRIES = 2

/** An endpoint that was tried is not chosen again while there are others. */
const ANOTHER_ENDPOINT: Fields = {
  retry_host_predicate: [
    extension(
      'envoy.retry_host_predicates.previous_hosts',
      'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
    ),
  ],
  host_selection_retry_max_attempts: 5,
}

export function retriesOf(route: Route, settings: Settings): Fields {
  const policy = route.retry_policy ?? settings.retry_policy
  const retries = policy?.num_retries ?? DEFAULT_RETRIES
  if (retries === 0) return {}
  const { retry_on: conditions = RETRIED_BY_DEFAULT, per_try_timeout: timeout } = policy ?? {}
  return {
    retry_policy: {
      retry_on: conditions.join(','),
      num_retries: retries,
      ...(timeout === undefined ? {} : { per_try_timeout: duration(timeout) }),
      ...ANOTHER_ENDPOINT,
    },
  }
}

/** Sallyport's own pages: a burst of connections may find the queue of the socket full for a moment. */
export const OWN_RETRIES: Fields = {
  retry_policy: {
    retry_on: RETRIED_BY_DEFAULT.join(','),
    num_retries: 4,
    retry_back_off: { base_interval: '0.025s', max_interval: '0.25s' },
  },
}

const CHECK_RETRY_PAUSE_MS = 10

/**
 * A check changes nothing, so it may be asked again when its connection ended under it.
 *
 * Envoy takes the longest pause for the longest time of one try, too: a short one would fail slow checks.
 */
export const retryOfChecks = (timeoutMs: number): Fields => ({
  retry_on: 'connect-failure,refused-stream,reset',
  num_retries: 1,
  retry_back_off: {
    base_interval: duration(Math.min(CHECK_RETRY_PAUSE_MS, timeoutMs)),
    max_interval: duration(timeoutMs),
  },
})
