/**
 * Serves the configuration to Envoy: the delta ADS stream over a private Unix socket.
 *
 * @module
 */
import { status as grpcStatus, type ServerErrorResponse } from '@grpc/grpc-js'
import type { Meter } from '@opentelemetry/api'
import type { Config, TlsCertificate } from '../config/config.ts'
import { Fault } from '../errors.ts'
import type { AggregatedDiscoveryServiceDefinition } from '../gen/envoy-api/envoy/service/discovery/v3/AggregatedDiscoveryService.ts'
import { loadProtos } from '../gen/protos.ts'
import type { Logger } from '../telemetry/log.ts'
import { serveGrpc } from '../transport/grpc-server.ts'
import type { SocketPlace } from '../transport/unix-socket.ts'
import { inTurns } from '../turns.ts'
import { ResponseEncoder } from './ads/encoder.ts'
import { createAdsMetrics } from './ads/metrics.ts'
import { resourcesOf, type Snapshot, shortNameOf, TYPE_URL, type TypeUrl } from './ads/resource.ts'
import { type AdsCall, AdsStream } from './ads/stream.ts'
import { systemTrust } from './resources/clusters/system-trust.ts'
import { snapshotWork } from './resources/snapshot.ts'

/** Where configurations come from; `config/file/watch.ts` is one. */
export interface ConfigSource {
  readonly current: Config
  onGeneration(listener: (config: Config) => void): Disposable
}

export interface TypeStatus {
  readonly resources: number
  /** Whether every connected Envoy has all of them. */
  readonly acked: boolean
  readonly nack?: { readonly at: string; readonly message: string }
}

export interface XdsStatus {
  readonly generation: number
  readonly connected: number
  /** By short name: `Cluster`, `VirtualHost` … */
  readonly perType: Readonly<Record<string, TypeStatus>>
  /** What Envoy will not have of the current generation, in its own words. */
  readonly refused: readonly { readonly type: string; readonly name: string; readonly message: string }[]
}

export interface XdsService extends AsyncDisposable {
  status(): XdsStatus
  /**
   * Resolves when an Envoy is connected and all that are have accepted `generation` or a later one.
   *
   * @throws {Fault} `XDS_NACK` when a part of it was refused
   */
  whenAcked(generation: number): Promise<void>
  /** Asks for the certificates again: they were renewed while the configuration stayed. */
  refresh(): Promise<void>
}

export interface XdsOptions {
  readonly socketPath: SocketPlace
  readonly config: ConfigSource
  /** Served to user agents, chosen by SNI. */
  readonly certificates: (config: Config) => Promise<readonly TlsCertificate[]> | readonly TlsCertificate[]
  /** PEM of the roots that upstreams are verified by; those of this machine by default. */
  readonly trustedRoots?: string
  readonly logger: Logger
  readonly meter: Meter
  readonly now?: () => number
  /** How long a cluster outlives its last route; default the longest wait for a check and 5 s. */
  readonly removalGraceMs?: number
  /** For tests that need a resource Envoy will refuse: the configuration lets none through. */
  readonly amend?: (snapshot: Snapshot) => Snapshot
}

/** On top of the longest wait for a check. */
const REMOVAL_MARGIN_MS = 5000

interface Waiter {
  readonly generation: number
  readonly resolve: () => void
  readonly reject: (fault: Fault) => void
}

export async function serveXds(options: XdsOptions): Promise<XdsService> {
  const service = new Service(options)
  await service.start()
  return service
}

class Service implements XdsService {
  readonly #options: XdsOptions
  readonly #trustedRoots: string
  readonly #encoder: ResponseEncoder
  readonly #streams = new Set<AdsStream>()
  readonly #nacks = new Map<TypeUrl, { at: string; message: string }>()
  readonly #counters: ReturnType<typeof createAdsMetrics>
  readonly #running = new AsyncDisposableStack()
  #snapshot: Snapshot | undefined
  #waiters: Waiter[] = []
  /** Builds run one after another: the certificates of a build may take their time. */
  #building: Promise<void> = Promise.resolve()

  constructor(options: XdsOptions) {
    this.#options = options
    this.#trustedRoots = options.trustedRoots ?? systemTrust()
    const protos = loadProtos()
    this.#encoder = new ResponseEncoder((name) => protos.type(name))
    this.#counters = createAdsMetrics(
      options.meter,
      () => this.#snapshot?.generation ?? 0,
      () => this.#streams.size,
    )
  }

  async start(): Promise<void> {
    const { config, socketPath } = this.#options
    await this.#publish(config.current)
    this.#running.use(await serveGrpc({ socketPath, services: [this.#adsService()] }))
    this.#running.defer(() => {
      for (const stream of this.#streams) stream.close()
    })
    this.#running.use(
      config.onGeneration((next) => {
        this.#building = this.#publishAfter(this.#building, next)
      }),
    )
  }

  status(): XdsStatus {
    const snapshot = this.#snapshot
    const streams = [...this.#streams]
    const refused = streams.flatMap((stream) =>
      stream.refusals.map(({ typeUrl, name, message }) => ({ type: shortNameOf(typeUrl), name, message })),
    )
    const perType = Object.values(TYPE_URL).map((typeUrl): [string, TypeStatus] => {
      const nack = this.#nacks.get(typeUrl)
      const acked = streams.length > 0 && streams.every((stream) => stream.holds(typeUrl))
      const resources = snapshot === undefined ? 0 : resourcesOf(snapshot, typeUrl).size
      return [shortNameOf(typeUrl), { resources, acked, ...(nack === undefined ? {} : { nack }) }]
    })
    return {
      generation: snapshot?.generation ?? 0,
      connected: streams.length,
      perType: Object.fromEntries(perType),
      refused,
    }
  }

  async whenAcked(generation: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiters.push({ generation, resolve, reject })
      this.#settle()
    })
  }

  async refresh(): Promise<void> {
    this.#building = this.#publishAfter(this.#building, this.#options.config.current)
    await this.#building
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running.disposeAsync()
    await this.#building
    for (const { reject } of this.#waiters.splice(0))
      reject(new Fault('XDS_NACK', 'the xDS service was stopped'))
  }

  /** Never rejects: what can't be built leaves the last snapshot in force. */
  async #publishAfter(before: Promise<void>, config: Config): Promise<void> {
    await before
    // Of several that came meanwhile the last will do.
    if (config.generation < this.#options.config.current.generation) return
    try {
      await this.#publish(config)
    } catch (error) {
      const { generation } = config
      this.#options.logger.error(
        { err: error, generation },
        'the configuration could not be made into Envoy resources',
      )
    }
  }

  async #publish(config: Config): Promise<void> {
    const certificates = await this.#options.certificates(config)
    const built = await inTurns(snapshotWork(config, { certificates, trustedRoots: this.#trustedRoots }))
    const snapshot = this.#options.amend?.(built) ?? built
    await inTurns(this.#encoder.prepare(snapshot))
    this.#snapshot = snapshot
    this.#encoder.keepOnly(snapshot)
    for (const stream of this.#streams) stream.push(snapshot)
    this.#settle()
  }

  #adsService(): Parameters<typeof serveGrpc>[0]['services'][number] {
    const definition = loadProtos().service<AggregatedDiscoveryServiceDefinition>(
      'envoy.service.discovery.v3.AggregatedDiscoveryService',
    )
    return {
      definition: {
        ...definition,
        DeltaAggregatedResources: {
          ...definition.DeltaAggregatedResources,
          // Responses are bytes already.
          responseSerialize: (bytes: Uint8Array) =>
            Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
        },
      },
      implementation: {
        DeltaAggregatedResources: (call: AdsCall) => this.#accept(call),
        StreamAggregatedResources: (call: AdsCall) => {
          const refusal: Partial<ServerErrorResponse> = {
            code: grpcStatus.UNIMPLEMENTED,
            details: 'state-of-the-world is not served: set api_type DELTA_GRPC in ads_config',
          }
          call.emit('error', refusal)
        },
      },
    }
  }

  #accept(call: AdsCall): void {
    const snapshot = this.#snapshot
    if (snapshot === undefined) {
      call.end()
      return
    }
    const stream = new AdsStream({
      call,
      snapshot,
      encoder: this.#encoder,
      logger: this.#options.logger,
      removalGraceMs:
        this.#options.removalGraceMs ??
        this.#options.config.current.settings.grpc_client_timeout + REMOVAL_MARGIN_MS,
      observer: {
        sent: (typeUrl, resources, bytes) => {
          const attributes = { type: shortNameOf(typeUrl) }
          this.#counters.pushes.add(1, attributes)
          this.#counters.resources.add(resources, attributes)
          this.#counters.bytes.add(bytes, attributes)
        },
        refused: (typeUrl, message) => {
          this.#counters.nacks.add(1, { type: shortNameOf(typeUrl) })
          this.#nacks.set(typeUrl, { at: new Date((this.#options.now ?? Date.now)()).toISOString(), message })
        },
        stepped: () => this.#settle(),
      },
    })
    this.#streams.add(stream)
    const leave = () => {
      if (!this.#streams.delete(stream)) return
      stream.close()
      this.#options.logger.info({ node: stream.nodeId }, 'Envoy left the configuration stream')
      this.#settle()
    }
    call.on('end', leave)
    call.on('cancelled', leave)
    call.on('error', leave)
    call.on('close', leave)
  }

  #settle(): void {
    const streams = [...this.#streams]
    for (const typeUrl of this.#nacks.keys()) {
      if (streams.length > 0 && streams.every((stream) => stream.holds(typeUrl))) this.#nacks.delete(typeUrl)
    }
    const generation = this.#snapshot?.generation ?? 0
    if (this.#waiters.length === 0 || streams.length === 0) return
    const failed = streams.find((stream) => stream.hasFailed)
    const isSettled = failed === undefined && streams.every((stream) => stream.isSettled)
    if (failed === undefined && !isSettled) return
    const ready = this.#waiters.filter((waiter) => waiter.generation <= generation)
    this.#waiters = this.#waiters.filter((waiter) => waiter.generation > generation)
    for (const { resolve, reject } of ready) {
      if (failed === undefined) resolve()
      else reject(new Fault('XDS_NACK', refusalText(failed)))
    }
  }
}

const refusalText = (stream: AdsStream): string =>
  stream.refusals
    .map(({ typeUrl, name, message }) => `${shortNameOf(typeUrl)} ${name}: ${message}`)
    .join('; ')
