/**
 * The address by which somebody is judged.
 *
 * @module
 */
import { type MailReadings, readMail } from '../../mail-address.ts'
import type { Identified } from '../decision.ts'
import type { Lack } from '../missing-facts.ts'

/** Or why there is none. */
export function mailOf(someone: Identified): MailReadings | Lack {
  const { kind, email, claims } = someone
  if (email !== undefined && email !== '') return readMail(email) ?? 'malformed'
  // Machines have an address where an operator has given them one.
  if (kind !== 'user') return 'none'
  const [given] = Object.hasOwn(claims, 'email') ? (claims['email'] ?? []) : []
  if (given === undefined || given === '') return 'absent'
  return readMail(given) === undefined ? 'malformed' : 'unverified'
}
