/**
 * Request headers that hold credentials: what they hold is in no log.
 *
 * @module
 */

const CREDENTIALS = /^(?:cookie|authorization|proxy-authorization|x-pomerium-.*)$|token|secret|api-?key/

/** By a lower-case name that speaks for itself. */
export function isCredentialHeader(name: string): boolean {
  return CREDENTIALS.test(name)
}
