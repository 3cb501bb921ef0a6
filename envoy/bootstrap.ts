/**
 * What Envoy is started with: who it asks (four clusters on Unix sockets), how it is watched (admin, on a
 * socket too) and how much it may take (overload manager). Everything else comes by ADS.
 *
 * `bootstrap.yaml` beside this file is the same thing with the paths of a shared volume, for an Envoy that
 * is started elsewhere; a test holds the two equal.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/configuration/operations/overload_manager/overload_manager
 * @module
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Document, isScalar, visit } from 'yaml'

/** Where the sockets lie when Envoy runs in a container of its own. */
export const SHIPPED_RUN_DIRECTORY = '/run/sallyport'

export const SOCKETS = {
  xds: 'xds.sock',
  authz: 'authz.sock',
  supervise: 'supervise.sock',
  http: 'http.sock',
  admin: 'admin.sock',
} as const

const MEGABYTE = 1024 * 1024
const SHIPPED_HEAP_BYTES = 2048 * MEGABYTE
const SMALLEST_HEAP_BYTES = 256 * MEGABYTE
const OWNER_ONLY = 0o600
const OWNER_AND_GROUP = 0o660

/** So many that the breaker never opens before the authorizer itself is at its limit: an open one denies. */
const AUTHZ_LIMIT = 1_000_000
const HTTP_LIMIT = 100_000

/**
 * Frames that may wait to be written to our own sockets. Strangers who cancel requests make Envoy cancel
 * checks, and with its own limit of 1,000 resets it closes the connection, which fails everybody's checks.
 */
const FRAMES_TO_OURSELVES = 1_000_000

/** A stream that is begun and reset in one breath then never gets as far as a check. */
const REQUESTS_PER_READ = 1

/**
 * Envoy refuses regular expressions of a hundred RE2 instructions; those of the configuration are the
 * operator's own.
 */
const RE2_PROGRAM_SIZE = 1_000_000

/**
 * Channels of open streams end by themselves and not by resets, of which Node takes 33 a second before it
 * closes the connection with all of them.
 */
const ENDS_WITHOUT_RESET = 'envoy.reloadable_features.ext_proc_graceful_grpc_close'

/** A restarted Sallyport is found again at once; Envoy's own pause grows to 30 s. */
const SOON = { retry_back_off: { base_interval: '0.1s', max_interval: '1s' } }

export interface BootstrapOptions {
  /** Folder of the sockets, which must fit into 103 bytes with a socket's name (`runDirFor`). */
  readonly runDirectory: string
  /** Folder of the admin socket, where Envoy has a user of its own; its group may use the socket then. */
  readonly adminDirectory?: string | undefined
  /** Tells Envoys apart in logs and metrics; default `sallyport`. */
  readonly nodeId?: string | undefined
  /** Past this Envoy turns new connections away; default 50,000. */
  readonly maxConnections?: number | undefined
  /** Near this Envoy gives memory back, then turns requests away; default 2 GiB. */
  readonly maxHeapBytes?: number | undefined
}

export type BootstrapJson = Readonly<Record<string, unknown>>

/** Half of the memory that this machine or container has: the rest is for Sallyport and the page cache. */
export function heapLimit(memoryBytes: number): number {
  return Math.max(SMALLEST_HEAP_BYTES, Math.floor(memoryBytes / 2 / MEGABYTE) * MEGABYTE)
}

/** `envoy.config.bootstrap.v3.Bootstrap` in Envoy's JSON form. */
export function bootstrapFor(options: BootstrapOptions): BootstrapJson {
  const { adminDirectory } = options
  const socket = (name: keyof typeof SOCKETS): string => join(options.runDirectory, SOCKETS[name])
  const admin =
    adminDirectory === undefined
      ? { path: socket('admin'), mode: OWNER_ONLY }
      : { path: join(adminDirectory, SOCKETS.admin), mode: OWNER_AND_GROUP }
  const ads = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' }
  return {
    node: { id: options.nodeId ?? 'sallyport', cluster: 'sallyport' },
    admin: {
      address: { pipe: admin },
      ignore_global_conn_limit: true,
    },
    dynamic_resources: {
      ads_config: {
        api_type: 'DELTA_GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: 'sallyport-xds', retry_policy: SOON } }],
      },
      cds_config: ads,
      lds_config: ads,
    },
    static_resources: {
      clusters: [
        { ...pipeCluster('sallyport-xds', socket('xds')), ...http2() },
        {
          ...pipeCluster('sallyport-authz', socket('authz')),
          ...http2(),
          circuit_breakers: breakers(AUTHZ_LIMIT),
        },
        {
          ...pipeCluster('sallyport-supervise', socket('supervise')),
          ...http2(),
          circuit_breakers: breakers(AUTHZ_LIMIT),
        },
        {
          ...pipeCluster('sallyport-http', socket('http')),
          ...protocolOptions({
            // Shorter than the server keeps connections open, so that no request meets one being closed.
            common_http_protocol_options: { idle_timeout: '60s' },
            explicit_http_config: { http_protocol_options: {} },
          }),
          circuit_breakers: breakers(HTTP_LIMIT),
        },
      ],
    },
    overload_manager: {
      refresh_interval: '0.25s',
      resource_monitors: [
        monitor('fixed_heap', 'fixed_heap.v3.FixedHeapConfig', {
          max_heap_size_bytes: options.maxHeapBytes ?? SHIPPED_HEAP_BYTES,
        }),
        monitor(
          'global_downstream_max_connections',
          'downstream_connections.v3.DownstreamConnectionsConfig',
          { max_active_downstream_connections: options.maxConnections ?? 50_000 },
        ),
      ],
      actions: [
        action('envoy.overload_actions.shrink_heap', 0.95),
        action('envoy.overload_actions.stop_accepting_requests', 0.98),
      ],
    },
    layered_runtime: {
      layers: [
        {
          name: 'static',
          static_layer: {
            're2.max_program_size.error_level': RE2_PROGRAM_SIZE,
            'http.max_requests_per_io_cycle': REQUESTS_PER_READ,
            [ENDS_WITHOUT_RESET]: true,
          },
        },
      ],
    },
    application_log_config: {
      log_format: {
        json_format: { level: '%l', time: '%Y-%m-%dT%T.%e%z', logger: '%n', msg: '%j' },
      },
    },
  }
}

/** Why each part is there, for whoever reads the file without this module. */
const COMMENTS: Readonly<Record<string, string>> = {
  admin: ' Statistics and state. Whoever may open this socket may stop Envoy: owner only (0600 is 384).',
  dynamic_resources:
    ' Listeners, routes, clusters and certificates come from Sallyport, as differences.\n' +
    ' Without Sallyport Envoy waits, and listens nowhere.',
  static_resources: ' Sallyport itself: configuration, authorization of each request, its own pages.',
  overload_manager:
    ' Near these limits Envoy gives memory back, then turns requests away, rather than being killed.',
  layered_runtime:
    ' Regular expressions of routes may be longer than Envoy allows by default. One request of a connection at a\n' +
    ' time is begun: a flood of requests that are cancelled at once asks Sallyport nothing.',
  application_log_config: ' One JSON object per line, as Sallyport logs.',
}

/** The bootstrap as a YAML file with comments. */
export function bootstrapYaml(options: BootstrapOptions): string {
  const document = new Document(bootstrapFor(options), { aliasDuplicateObjects: false })
  document.commentBefore = [
    ' Starts a stock Envoy 1.40 or newer for Sallyport, which must share the folder of the sockets with it and',
    ' run as the same user. Generated from envoy/bootstrap.ts; start Envoy with',
    '   envoy -c bootstrap.yaml --disable-hot-restart --file-flush-interval-msec 1000',
  ].join('\n')
  visit(document, {
    Pair: (_index, { key }) => {
      if (!isScalar(key)) return visit.SKIP
      const comment = COMMENTS[String(key.value)]
      if (comment === undefined) return visit.SKIP
      key.spaceBefore = true
      key.commentBefore = comment
      return visit.SKIP
    },
  })
  return document.toString({ lineWidth: 110 })
}

/** Writes the bootstrap into the run folder, for this user's eyes; returns the file's path. */
export function writeBootstrap(options: BootstrapOptions): string {
  const path = join(options.runDirectory, 'bootstrap.yaml')
  writeFileSync(path, bootstrapYaml(options), { mode: 0o600 })
  return path
}

function pipeCluster(name: string, path: string): BootstrapJson {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path } } } }] }],
    },
  }
}

function protocolOptions(options: BootstrapJson): BootstrapJson {
  return {
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        ...options,
      },
    },
  }
}

/** gRPC; the pings find a peer that is there but no longer answers. */
const http2 = (): BootstrapJson =>
  protocolOptions({
    explicit_http_config: {
      http2_protocol_options: {
        connection_keepalive: { interval: '30s', timeout: '10s' },
        max_outbound_frames: FRAMES_TO_OURSELVES,
        max_outbound_control_frames: FRAMES_TO_OURSELVES,
      },
    },
  })

const breakers = (limit: number): BootstrapJson => ({
  thresholds: [
    { max_connections: limit, max_pending_requests: limit, max_requests: limit, max_retries: limit },
  ],
})

const monitor = (name: string, type: string, config: BootstrapJson): BootstrapJson => ({
  name: `envoy.resource_monitors.${name}`,
  typed_config: { '@type': `type.googleapis.com/envoy.extensions.resource_monitors.${type}`, ...config },
})

function action(name: string, value: number): BootstrapJson {
  const monitored = 'envoy.resource_monitors.fixed_heap'
  return { name, triggers: [{ name: monitored, threshold: { value } }] }
}
