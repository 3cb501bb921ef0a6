/**
 * Config → Snapshot: all that Envoy gets of one generation of the configuration.
 *
 * Pure. It holds no paths of sockets (those clusters are in the bootstrap) and knows neither sessions nor
 * policies: a changed policy changes nothing here.
 *
 * @module
 */

import type { Config, TlsCertificate } from '../../config/config.ts'
import { atOnce, type Work } from '../../turns.ts'
import { makeResource, makeSnapshot, type Resource, type Snapshot, TYPE_URL } from '../ads/resource.ts'
import { clusterOf } from './clusters/clusters.ts'
import { FROM_ADS_FOR_SURE } from './envoy-json.ts'
import { KeptResources } from './kept-resources.ts'
import { asksForCertificates, clientTrust } from './listeners/client-validation.ts'
import { listeners } from './listeners/listeners.ts'
import { clusterNames, ROUTE_CONFIGURATION } from './names.ts'
import { INTERCEPTED_HEADER } from './routes/own-cookies.ts'
import { redirectRoutes } from './routes/redirect-routes.ts'
import { virtualHosts } from './routes/virtual-hosts.ts'
import { secrets } from './secrets.ts'

export interface SnapshotInputs {
  /** Served to user agents, chosen by SNI; the first one where nothing fits. */
  readonly certificates: readonly TlsCertificate[]
  /** PEM of the roots that upstreams are verified by. */
  readonly trustedRoots: string
}

/**
 * Envoy refuses longer direct responses; its own limit is 4 KiB. A constant, as changing it resends
 * everything.
 */
const MAX_DIRECT_RESPONSE_BYTES = 1_048_576

/** The frame that virtual hosts are put into. It never changes, so it is sent once. */
const routeConfiguration = (): Resource =>
  makeResource(TYPE_URL.routes, ROUTE_CONFIGURATION, {
    name: ROUTE_CONFIGURATION,
    vhds: { config_source: FROM_ADS_FOR_SURE },
    // The one tells an attacker what runs upstream, and nobody else anything. The other is ours to say.
    response_headers_to_remove: ['server', INTERCEPTED_HEADER],
    most_specific_header_mutations_wins: true,
    max_direct_response_body_size_bytes: MAX_DIRECT_RESPONSE_BYTES,
  })

const keptClusters = new KeptResources()

export function buildSnapshot(config: Config, inputs: SnapshotInputs): Snapshot {
  return atOnce(snapshotWork(config, inputs))
}

/** The same with places to pause: for thousands of routes it takes a second. */
export function* snapshotWork(config: Config, inputs: SnapshotInputs): Work<Snapshot> {
  const { settings } = config
  const clusters = yield* clusterNames(config.routes)
  const ofClusters: Resource[] = []
  for (const [route, name] of clusters) {
    const make = () => clusterOf(route, route.to ?? [], name, settings)
    ofClusters.push(...keptClusters.of(settings, [route], clusters, make))
    yield
  }
  const hosts = yield* virtualHosts(config, clusters)
  const rest = [
    // Without a certificate nothing could be served: Envoy would wait for ever.
    ...(settings.insecure_server || inputs.certificates.length > 0
      ? listeners(settings, inputs.certificates.length)
      : []),
    routeConfiguration(),
    ...(settings.http_redirect_addr === undefined ? [] : [redirectRoutes(config)]),
    ...(asksForCertificates(settings) ? [clientTrust(config)] : []),
    ...secrets(config, clusters, inputs.certificates, inputs.trustedRoots),
  ]
  yield
  return makeSnapshot(config.generation, [...ofClusters, ...hosts, ...rest])
}
