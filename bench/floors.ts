/**
 * The floors: a bare Envoy, and an Envoy with an allow-all ext_authz on grpc-js, both with the certificate
 * and the upstream of the product; and that upstream, an Envoy that answers by itself.
 *
 * @module
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../test/harness/ports.ts'
import { type RunningProcess, startProcess } from '../test/harness/process.ts'
import type { KeyPair } from '../test/harness/test-ca.ts'

export interface Running {
  readonly port: number
  readonly envoy: RunningProcess
  readonly authorizer?: RunningProcess
}

interface FloorOptions {
  readonly stop: AsyncDisposableStack
  readonly folder: string
  readonly envoyPath: string
  /** Worker threads; the same as the product's Envoy has. */
  readonly concurrency: string
}

const type = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`
const at = (port: number): object => ({ socket_address: { address: '127.0.0.1', port_value: port } })

interface EnvoyParts {
  readonly port: number
  readonly route: object
  readonly filters?: readonly object[]
  readonly clusters?: readonly object[]
  readonly transport_socket?: object
}

const bootstrap = ({ port, route, filters = [], clusters = [], transport_socket }: EnvoyParts): object => ({
  static_resources: {
    listeners: [
      {
        name: 'main',
        address: at(port),
        filter_chains: [
          {
            ...(transport_socket === undefined ? {} : { transport_socket }),
            filters: [
              {
                name: 'hcm',
                typed_config: {
                  '@type': type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
                  stat_prefix: 'main',
                  codec_type: 'AUTO',
                  use_remote_address: true,
                  route_config: {
                    virtual_hosts: [
                      { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, ...route }] },
                    ],
                  },
                  http_filters: [
                    ...filters,
                    { name: 'router', typed_config: { '@type': type('filters.http.router.v3.Router') } },
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
    clusters,
  },
})

async function startEnvoy(name: string, parts: EnvoyParts, options: FloorOptions): Promise<RunningProcess> {
  const file = join(options.folder, `${name}.json`)
  await writeFile(file, JSON.stringify(bootstrap(parts)))
  const envoy = startProcess({
    name,
    command: options.envoyPath,
    args: ['-c', file, '--concurrency', options.concurrency, '--disable-hot-restart', '--log-level', 'info'],
  })
  options.stop.use(envoy)
  await envoy.waitForLine(/starting main dispatch loop/)
  return envoy
}

/** Answers 200 to everything; cheap enough not to be what is measured. */
export async function startPlainUpstream(options: FloorOptions): Promise<Running> {
  const port = await freePort()
  const body = { inline_string: 'x'.repeat(1000) }
  const envoy = await startEnvoy(
    'upstream',
    { port, route: { direct_response: { status: 200, body } } },
    options,
  )
  return { port, envoy }
}

const cluster = (name: string, address: object, more: object = {}): object => ({
  name,
  type: 'STATIC',
  load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  ...more,
})

/** With `checks` each request is put to an allow-all server over a Unix socket, as the product's are. */
export async function startFloor(
  name: string,
  floor: { readonly certificate: KeyPair; readonly upstreamPort: number; readonly checks: boolean },
  options: FloorOptions,
): Promise<Running> {
  const port = await freePort()
  const tlsCertificates = [
    {
      certificate_chain: { inline_string: floor.certificate.cert },
      private_key: { inline_string: floor.certificate.key },
    },
  ]
  const parts: EnvoyParts = {
    port,
    route: { route: { cluster: 'upstream' } },
    clusters: [cluster('upstream', at(floor.upstreamPort))],
    transport_socket: {
      name: 'tls',
      typed_config: {
        '@type': type('transport_sockets.tls.v3.DownstreamTlsContext'),
        common_tls_context: { alpn_protocols: ['h2', 'http/1.1'], tls_certificates: tlsCertificates },
      },
    },
  }
  if (!floor.checks) return { port, envoy: await startEnvoy(name, parts, options) }

  const socket = join(options.folder, 'allow-all.sock')
  const authorizer = startProcess({
    name: 'allow-all',
    command: process.execPath,
    args: [join(import.meta.dirname, 'allow-all.ts'), socket],
  })
  options.stop.use(authorizer)
  await authorizer.waitForLine(/ready/)
  const http2 = {
    '@type': type('upstreams.http.v3.HttpProtocolOptions'),
    explicit_http_config: { http2_protocol_options: {} },
  }
  const checked: EnvoyParts = {
    ...parts,
    filters: [
      {
        name: 'ext_authz',
        typed_config: {
          '@type': type('filters.http.ext_authz.v3.ExtAuthz'),
          transport_api_version: 'V3',
          // as long as the product waits: on a busy machine Envoy's 200 ms would turn into errors
          grpc_service: { envoy_grpc: { cluster_name: 'authz' }, timeout: '10s' },
        },
      },
    ],
    clusters: [
      ...(parts.clusters ?? []),
      cluster(
        'authz',
        { pipe: { path: socket } },
        {
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': http2,
          },
        },
      ),
    ],
  }
  return { port, authorizer, envoy: await startEnvoy(name, checked, options) }
}
