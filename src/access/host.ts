/**
 * Host names as requests write them, in the one form that they are compared in.
 *
 * @module
 */
import { placeOf, withoutFinalDot } from '../config/values/host-name.ts'

/**
 * Lower case, no port, IPv6 without brackets; empty for what Envoy should have refused, and no step lets
 * pass.
 */
export const hostOf = (authority: string): string => placeOf(withoutFinalDot(authority))?.host ?? ''
