/**
 * Which host names no certificate of the operator's speaks for.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto'

/**
 * @param certificates PEM chains, the server's own certificate first
 * @see RFC 9525: only the subject alternative names count
 */
export function uncoveredNames(names: readonly string[], certificates: readonly string[]): readonly string[] {
  const leaves = certificates.map((pem) => new X509Certificate(pem))
  return names.filter(
    (name) => !leaves.some((leaf) => leaf.checkHost(name, { subject: 'never' }) !== undefined),
  )
}
