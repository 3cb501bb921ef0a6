/**
 * The roots that upstreams are verified by when a route brings none.
 *
 * They are read here and sent to Envoy, instead of naming a bundle in Envoy's file system: its place differs
 * by distribution, the image may have none, and further roots could not be added to it.
 *
 * @module
 */

import { getCACertificates } from 'node:tls'

/**
 * PEM of this machine's roots, and of those in `NODE_EXTRA_CA_CERTS`; of those that come with Node
 * (Mozilla's) where the machine has none. Each once: Node finds the same root as a file and in a bundle, and
 * Envoy keeps a copy of all of them for each cluster.
 */
export function systemTrust(): string {
  const system = getCACertificates('system')
  const roots = [
    ...(system.length > 0 ? system : getCACertificates('bundled')),
    ...getCACertificates('extra'),
  ]
  return [...new Set(roots.map((pem) => pem.trim()))].join('\n')
}
