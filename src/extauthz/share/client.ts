/**
 * Who counts as one client where shares of an app are counted: a sign-in, a machine's identity, or else an
 * address.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { isSignedIn, sourceIpOf } from '../../access/access.ts'
import { clientNetworkOf } from '../../edge/client-network.ts'
import type { Check } from '../check.ts'

/**
 * A text without blanks. Many tokens of one identity are one client, and so are the addresses of one IPv6
 * network.
 */
export function clientOf(check: Check): string {
  const [session] = check.sessions
  if (session === undefined) return `a:${clientNetworkOf(sourceIpOf(check)).network}`
  const { kind, id, idpId, userId } = session
  if (kind === 'service-account' || isSignedIn(check, session)) return `s:${id}`
  return `i:${createHash('sha256')
    .update(JSON.stringify([kind, idpId, userId]))
    .digest('base64url')
    .slice(0, 22)}`
}
