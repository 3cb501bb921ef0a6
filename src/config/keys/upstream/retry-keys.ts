/**
 * When a request is sent to the upstream once more.
 *
 * @module
 */

import { z } from 'zod'
import { PositiveDuration } from '../../values/duration.ts'

/** Until then the app has seen nothing of the request, so any method may be repeated. */
export const RETRIED_BY_DEFAULT = ['connect-failure', 'refused-stream', 'reset-before-request'] as const

/** Conditions under which the app may have acted on the first try. */
const AFTER_THE_FACT = [
  'reset',
  '5xx',
  'gateway-error',
  'retriable-4xx',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
] as const

const MOST_RETRIES = 10

export const RetryPolicy = z.strictObject({
  num_retries: z.int().min(0).max(MOST_RETRIES).default(2).meta({
    description: 'Further tries; 0 sends each request once. Envoy `RetryPolicy.num_retries`.',
  }),
  retry_on: z
    .array(z.enum([...RETRIED_BY_DEFAULT, ...AFTER_THE_FACT]))
    .min(1)
    .default([...RETRIED_BY_DEFAULT])
    .meta({
      description:
        'What is tried again. Unset: only what cannot have reached the app. Each other condition repeats requests that the app may have acted on, POST included. Envoy `RetryPolicy.retry_on`.',
    }),
  per_try_timeout: PositiveDuration.optional().meta({
    description: 'Longest time of one try. Envoy `RetryPolicy.per_try_timeout`. Unset: that of the route.',
  }),
})
