/**
 * Who counts as one client where shares of an app are counted: a sign-in, a machine's identity, or else an
 * address.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { isSignedIn, sourceIpOf } from '../../access/access.ts'
import type { Check } from '../check.ts'

/**
 * A text without blanks. Many tokens of one identity are one client, and so are the addresses of one IPv6
 * network.
 */
export function clientOf(check: Check): string {
  const [session] = check.sessions
  if (session === undefined) return `a:${networkOf(sourceIpOf(check))}`
  const { kind, id, idpId, userId } = session
  if (kind === 'service-account' || isSignedIn(check, session)) return `s:${id}`
  return `i:${createHash('sha256')
    .update(JSON.stringify([kind, idpId, userId]))
    .digest('base64url')
    .slice(0, 22)}`
}

const NETWORK_GROUPS = 4

/** The address, or the first 64 bits of one of IPv6: whoever has one address there has them all. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? []
  if (mapped !== undefined) return mapped
  const [left = '', right] = address.replace(/%.*$/, '').toLowerCase().split('::', 2)
  const before = left === '' ? [] : left.split(':')
  const after = right === undefined || right === '' ? [] : right.split(':')
  const zeros = Math.max(0, 8 - lengthOf(before) - lengthOf(after))
  const all = [...before, ...Array.from({ length: right === undefined ? 0 : zeros }, () => '0'), ...after]
  return all
    .slice(0, NETWORK_GROUPS)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}

/** In groups of 16 bits; the last 32 bits may be written as those of IPv4. */
const lengthOf = (groups: readonly string[]): number =>
  groups.length + (groups.at(-1)?.includes('.') === true ? 1 : 0)
