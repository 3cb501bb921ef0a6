/**
 * By which Envoy keeps a session on one of several upstreams.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { Access } from '../access/access.ts'
import type { AccessRoute } from '../access/route.ts'
import type { ContributorKind } from './contributor.ts'

/** Envoy's hash policy reads it: xds/resources/routes/envoy-route.ts. */
const ROUTING_KEY_HEADER = 'x-pomerium-routing-key'

const isHashed = ({ route: { load_balancing_policy: policy } }: AccessRoute): boolean =>
  policy === 'RING_HASH' || policy === 'MAGLEV'

export const routingKey: ContributorKind<Access, unknown, never> = {
  headersOf: (access) => (isHashed(access) ? [{ name: ROUTING_KEY_HEADER, isSecret: false }] : []),
  compile: (access) =>
    isHashed(access)
      ? {
          write(telling, { sessions: [session] }) {
            if (session === undefined) return
            telling.set(ROUTING_KEY_HEADER, createHash('sha256').update(session.id).digest('hex'))
          },
        }
      : undefined,
}
