/**
 * Which host names no certificate of the operator's speaks for.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto'
import { atOnce, each, type Work } from '../../turns.ts'

/** Written out with quotes by Node are only names that no host can have. */
const DNS_NAME = /(?:^|, )DNS:([^",]+)/g

/**
 * Names are looked up in a set, and not asked of each certificate: for thousands of hosts that took most of a
 * second.
 *
 * @param certificates PEM chains, the server's own certificate first
 * @see RFC 9525: only the subject alternative names count, and a wildcard is a whole label, the first one
 */
export function uncoveredNames(names: readonly string[], certificates: readonly string[]): readonly string[] {
  return atOnce(uncovering(names, certificates))
}

/** The same for thousands of names. */
export function* uncovering(
  names: readonly string[],
  certificates: readonly string[],
): Work<readonly string[]> {
  const covered = new Set<string>()
  for (const certificate of certificates) {
    for (const name of dnsNamesOf(certificate)) covered.add(name)
    yield
  }
  const found: string[] = []
  yield* each(names, (name) => {
    const host = name.toLowerCase()
    if (!covered.has(host) && !covered.has(`*${host.slice(host.indexOf('.'))}`)) found.push(name)
  })
  return found
}

function dnsNamesOf(pem: string): readonly string[] {
  const { subjectAltName = '' } = new X509Certificate(pem)
  return [...subjectAltName.matchAll(DNS_NAME)].map(([, name = '']) => name.toLowerCase())
}
