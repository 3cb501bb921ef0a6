/**
 * The header in which Envoy tells what certificate a client has shown.
 *
 * Envoy alone writes it: what a client sends under this name is removed before. A request without it comes
 * from a client that has shown none.
 *
 * @see Envoy's documentation, "x-forwarded-client-cert"
 * @module
 */

import { type ClientCertificate, NOT_PRESENTED, type Verifier } from './verifier.ts'

export const CERTIFICATE_HEADER = 'x-forwarded-client-cert'

/** `Hash=…;Chain="…"`: percent-encoded PEM, so no quote ends it early. */
const CHAIN = /(?:^|;)Chain="([^"]*)"/

/**
 * What a client has shown. A header that does not hold a chain is judged as one that can't be read.
 *
 * @param now epoch milliseconds
 */
export function certificateShown(
  verifier: Verifier,
  header: string | undefined,
  now: number,
): ClientCertificate {
  if (header === undefined) return NOT_PRESENTED
  return verifier.verify(CHAIN.exec(header)?.[1] ?? '', now)
}
