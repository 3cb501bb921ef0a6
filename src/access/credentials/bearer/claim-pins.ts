/**
 * What an operator demands that a token says, besides that it is genuine. Pure.
 *
 * @module
 */
import type { ClaimPin } from '../../../config/keys/credentials/bearer-keys.ts'
import { flatClaim } from '../../../flat-claims.ts'

type Claims = Readonly<Record<string, readonly string[]>>

/** The first claim that does not say what it must; of a list one value is enough. */
export function unmetPin(claims: Claims, pins: Readonly<Record<string, ClaimPin>>): string | undefined {
  return Object.keys(pins).find((claim) => {
    const pin = pins[claim]
    const values = flatClaim(claims, claim)
    return pin === undefined || values === undefined || !values.some((value) => meets(value, pin))
  })
}

/** Numbers and booleans compare as the text that claims are flattened to. */
function meets(value: string, pin: ClaimPin): boolean {
  if (typeof pin !== 'object') return value === String(pin)
  if ('starts_with' in pin) return value.startsWith(pin.starts_with)
  return pin.some((one) => value === String(one))
}
