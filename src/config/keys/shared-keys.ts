/**
 * Keys that stand both globally and on a route, where the route's value wins.
 *
 * @module
 */

import { z } from 'zod'
import { HEADER_NAME, ResponseHeaders } from '../values/header.ts'
import { RetryPolicy } from './upstream/retry-keys.ts'
import { upstreamIdentityKeys } from './upstream/upstream-identity.ts'

export const Uint32 = z.int().min(0).max(4_294_967_295)

const UpgradeToken = z.string().superRefine((token, context) => {
  const lower = token.toLowerCase()
  const wrong =
    !token.split('/', 2).every((part) => HEADER_NAME.test(part)) || /\/.*\//.test(token)
      ? `"${token}" is not an upgrade token`
      : lower.startsWith('connect')
        ? `"${token}" is not supported yet: tunnels have routes of their own`
        : lower === 'h2c'
          ? '"h2c" cannot be allowed: it would let a client speak to the app past the checks'
          : undefined
  if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong })
})

const Upgrades = z
  .array(UpgradeToken)
  .transform((tokens) => tokens.map((token) => token.toLowerCase()))
  .superRefine((tokens, context) => {
    for (const [index, token] of tokens.entries()) {
      if (tokens.indexOf(token) !== index) {
        context.addIssue({ code: 'custom', message: `"${token}" stands twice in the list`, path: [index] })
      }
    }
  })

const CircuitBreakerThresholds = z.strictObject({
  max_connections: Uint32.optional().meta({
    description:
      'Connections to the upstream at once. Further requests wait for one; where streams may last for ever (`timeout: 0s`, upgrades) they are answered 503. Envoy `CircuitBreakers.Thresholds.max_connections`; unset: as many as the next two keys need.',
  }),
  max_pending_requests: Uint32.optional().meta({
    description:
      'Requests that may wait for a connection. `Thresholds.max_pending_requests`; unset: 1024, or 10000 with upgrades.',
  }),
  max_requests: Uint32.optional().meta({
    description:
      'Requests in flight at once, WebSockets included; further ones are answered 503 at once. `Thresholds.max_requests`; unset: 1024, or 10000 where upgrades are allowed.',
  }),
  max_requests_per_client: Uint32.min(1).optional().meta({
    description:
      'Requests in flight at once of one client. A client is a session, a service account, an identity that brings tokens, or else an address (of IPv6: the first 64 bits). Further ones are answered 429. Unset: a quarter of what the app may have in flight, or up to 32 where a quarter is less, but never over three quarters. As many as `max_requests`: one client may take all.',
  }),
  max_retries: Uint32.optional().meta({
    description: 'Retries in flight at once. `Thresholds.max_retries`; unset: 1024, or 10000 with upgrades.',
  }),
  max_connection_pools: Uint32.optional().meta({
    description: 'Connection pools at once. `Thresholds.max_connection_pools`; unset: no limit.',
  }),
})

const EXAMPLE_HEADERS = { 'X-Frame-Options': 'SAMEORIGIN' }

/** The keys, with what differs between the two places said by the caller. */
export function sharedKeys(place: 'route' | 'global') {
  const isRoute = place === 'route'
  return {
    allow_upgrades: Upgrades.optional().meta({
      description: `Upgrade tokens that clients may ask for, such as \`websocket\`. Envoy \`HttpConnectionManager.upgrade_configs\`${
        isRoute ? ' of the route (`RouteAction.upgrade_configs`); wins over the global list' : ''
      }. Unset: none.`,
      examples: [['websocket']],
    }),
    circuit_breaker_thresholds: CircuitBreakerThresholds.optional().meta({
      description: `How much may be in flight to an upstream at once. Envoy \`Cluster.circuit_breakers\`. ${
        isRoute
          ? 'Merged over the global thresholds, number by number.'
          : 'Each route may override each number.'
      }`,
    }),
    retry_policy: RetryPolicy.optional().meta({
      description: `When a request is sent to the upstream once more, to another endpoint if there is one. Requests with a body of over 32 KB are sent once. Envoy \`RouteAction.retry_policy\`. ${
        isRoute
          ? 'Replaces the global policy. Unset: the global one.'
          : 'Unset: twice, when the upstream cannot be connected to or has not seen the request.'
      }`,
      examples: [{ num_retries: 0 }],
    }),
    ...upstreamIdentityKeys(place),
    set_response_headers: ResponseHeaders.optional().meta({
      description: isRoute
        ? 'Headers set on each response of this route, over the global ones; taken literally, `%` too. The key `disable` clears both. Envoy `Route.response_headers_to_add`.'
        : 'Headers set on each response; taken literally, `%` too. Replaces the default set as a whole; the key `disable` sets none. Envoy `RouteConfiguration.response_headers_to_add`. Unset: `X-Frame-Options: SAMEORIGIN`, `X-XSS-Protection: 1; mode=block` and, when certificates are given, `Strict-Transport-Security` of a year.',
      examples: [EXAMPLE_HEADERS],
    }),
  }
}
