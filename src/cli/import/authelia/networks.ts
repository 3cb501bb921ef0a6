/**
 * Ranges of addresses, and all addresses that are in none of them.
 *
 * @module
 */
import ipaddr from 'ipaddr.js'

/** `undefined` for what is no range. */
export function rangeOf(text: string): string | undefined {
  const whole = text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`
  if (!ipaddr.isValidCIDR(whole)) return undefined
  const [address, bits] = ipaddr.parseCIDR(whole)
  return `${networkOf(address.toByteArray(), bits)}/${bits}`
}

function networkOf(bytes: readonly number[], bits: number): string {
  const masked = bytes.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8))
    return byte & (0xff << (8 - kept)) & 0xff
  })
  return ipaddr.fromByteArray([...masked]).toString()
}

interface Range {
  readonly bytes: readonly number[]
  readonly bits: number
}

/** All of IPv4 and IPv6 without these. */
export function otherRanges(ranges: readonly string[]): readonly string[] {
  const parsed = ranges.map((text): Range => {
    const [address, bits] = ipaddr.parseCIDR(text)
    return { bytes: address.toByteArray(), bits }
  })
  return [4, 16].flatMap((length) =>
    outside(
      { bytes: Array.from({ length }, () => 0), bits: 0 },
      parsed.filter(({ bytes }) => bytes.length === length),
    ),
  )
}

/** Halves a range until each part is wholly inside or wholly outside. */
function outside(within: Range, taken: readonly Range[]): readonly string[] {
  const meeting = taken.filter((range) => isPrefix(range, within) || isPrefix(within, range))
  if (meeting.length === 0) return [`${networkOf(within.bytes, within.bits)}/${within.bits}`]
  if (meeting.some((range) => range.bits <= within.bits)) return []
  const bits = within.bits + 1
  const upper = [...within.bytes]
  const at = Math.floor(within.bits / 8)
  upper[at] = (upper[at] ?? 0) | (0x80 >> (within.bits % 8))
  return [...outside({ bytes: within.bytes, bits }, meeting), ...outside({ bytes: upper, bits }, meeting)]
}

function isPrefix(short: Range, long: Range): boolean {
  if (short.bits > long.bits) return false
  return networkOf(short.bytes, short.bits) === networkOf(long.bytes, short.bits)
}
