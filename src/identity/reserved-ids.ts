/**
 * Ids that people can't have: those of machines begin so, and whoever reads one must be able to tell what it
 * is.
 *
 * @module
 */
import type { Settings } from '../config/config.ts'

const SERVICE_ACCOUNT = 'service-account'

export function isReservedId(userId: string, issuers: Settings['identity_providers']): boolean {
  const [before = '', ...after] = userId.split('/')
  return after.length > 0 && (before === SERVICE_ACCOUNT || Object.hasOwn(issuers ?? {}, before))
}
