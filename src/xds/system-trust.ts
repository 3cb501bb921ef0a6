/**
 * The roots that upstreams are verified by when a route brings none.
 *
 * They are read here and sent to Envoy, instead of naming a bundle in Envoy's file system: its place differs by
 * distribution, the image may have none, and further roots could not be added to it.
 *
 * @module
 */

import { getCACertificates } from 'node:tls'

/** PEM of this machine's roots; of those that come with Node (Mozilla's) where the machine has none. */
export function systemTrust(): string {
  const system = getCACertificates('system')
  const extra = getCACertificates('extra')
  return [...(system.length > 0 ? system : getCACertificates('bundled')), ...extra].join('\n')
}
