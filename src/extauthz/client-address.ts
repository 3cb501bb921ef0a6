/**
 * The address that a request came from, past the proxies that the operator trusts.
 *
 * Envoy works it out too, but tells ext_authz the address of the connection only (seen in 1.40). This follows
 * Envoy's own rule, so that policies and access log mean one address.
 *
 * @see HttpConnectionManager.xff_num_trusted_hops
 * @module
 */
import { isIP } from 'node:net'
import type { Settings } from '../config/config.ts'
import type { CheckRequest } from './check-request.ts'

/** Falls back to the connection's peer when the header has too few entries or the entry is no address. */
export function clientAddress(
  request: CheckRequest,
  settings: Pick<Settings, 'xff_num_trusted_hops' | 'skip_xff_append'> | undefined,
): string {
  const hops = settings?.xff_num_trusted_hops ?? 0
  if (hops === 0) return request.sourceAddress
  const forwarded = (request.header('x-forwarded-for') ?? '').split(',')
  // Unless told not to, Envoy has put the peer at the end before it asks us.
  const fromEnd = settings?.skip_xff_append === true ? hops : hops + 1
  const address = forwarded.at(-fromEnd)?.trim() ?? ''
  return isIP(address) === 0 ? request.sourceAddress : address
}
