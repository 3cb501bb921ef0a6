/**
 * Request headers that hold credentials: what they hold is in no log.
 *
 * @module
 */

const CREDENTIALS =
  /^x-pomerium-|cookie|authorization|token|secret|passw(?:or)?d|credential|jwt|assertion|(?:access|account|api|auth|functions|private|subscription)-?key/

/** By a lower-case name that speaks for itself. */
export function isCredentialHeader(name: string): boolean {
  return CREDENTIALS.test(name)
}
