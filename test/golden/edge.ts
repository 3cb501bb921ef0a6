/**
 * A real Envoy that is given a configuration by the real xDS service, with everything else played: the
 * authorizer allows all, and Sallyport's own pages are one line of text.
 *
 * @module
 */
import http from 'node:http'
import { join } from 'node:path'
import type { Config, TlsCertificate } from '../../src/config/config.ts'
import { Secret } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { createLogger } from '../../src/telemetry/log.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { listenUnix } from '../../src/transport/unix-socket.ts'
import type { Snapshot } from '../../src/xds/ads/resource.ts'
import { serveXds, type XdsService } from '../../src/xds/service.ts'
import { startEnvoy, type TestEnvoy, type TestEnvoyOptions } from '../harness/envoy.ts'
import { freePorts, tempDir } from '../harness/ports.ts'
import type { KeyPair } from '../harness/test-ca.ts'
import { type AllowAll, startAllowAll } from './allow-all.ts'

export function configOf(text: string, generation = 1): Config {
  const parsed = parseConfig(text, { generation })
  if ('config' in parsed) return parsed.config
  throw new Error(parsed.problems.map(({ line, message }) => `${line}: ${message}`).join('\n'))
}

export const tlsCertificateOf = (pair: KeyPair): TlsCertificate => ({
  cert: pair.cert,
  key: Secret.of(pair.key),
})

/** A configuration that the test changes by hand. */
export class TestConfigSource {
  #current: Config
  readonly #listeners = new Set<(config: Config) => void>()

  constructor(config: Config) {
    this.#current = config
  }

  get current(): Config {
    return this.#current
  }

  set(config: Config): void {
    this.#current = config
    for (const listener of this.#listeners) listener(config)
  }

  onGeneration(listener: (config: Config) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }
}

export interface EdgeOptions {
  /** The configuration; `port` is where it shall listen. */
  readonly config: (port: number, generation: number) => Config
  readonly certificates?: readonly KeyPair[]
  readonly trustedRoots?: string
  readonly amend?: (snapshot: Snapshot) => Snapshot
  readonly envoy?: Partial<TestEnvoyOptions>
}

export interface Edge extends AsyncDisposable {
  readonly port: number
  readonly envoy: TestEnvoy
  readonly xds: XdsService
  readonly source: TestConfigSource
  readonly authorizer: AllowAll
  /** Lines of our log. */
  readonly log: Record<string, unknown>[]
  /** Bytes and resources sent so far, by short type name. */
  metrics(): Promise<string>
  readonly certificates: { current: readonly KeyPair[] }
  /** Applies a configuration and waits until Envoy has it. */
  apply(config: Config): Promise<void>
  /**
   * Stops the xDS service and starts another one in its place, as a restart of Sallyport with `next` would.
   */
  restartXds(next: Config): Promise<void>
}

const PATIENCE_MS = 20_000

/** Long for an authorizer that answers at once, short for a test that waits for it. */
const REMOVAL_GRACE_MS = 300

/** Fails with what `state` says when `promise` takes too long. */
async function within<T>(ms: number, promise: Promise<T>, state: () => string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`not applied within ${ms} ms: ${state()}`)), ms)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

const OWN_PAGE = 'a page of Sallyport'

export async function startEdge(options: EdgeOptions): Promise<Edge> {
  await using starting = new AsyncDisposableStack()
  const { path: runDirectory } = starting.use(await tempDir())
  const [port = 0] = await freePorts(1)
  const source = new TestConfigSource(options.config(port, 1))
  const log: Record<string, unknown>[] = []
  const { logger } = createLogger({
    level: 'info',
    destination: { write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>) },
  })
  const metrics = starting.use(createMetrics())
  const authorizer = starting.use(await startAllowAll(runDirectory))
  const pages = http.createServer((request, response) => response.end(`${OWN_PAGE}: ${request.url}`))
  await listenUnix(pages, join(runDirectory, 'http.sock'))
  starting.defer(() => {
    pages.close()
    pages.closeAllConnections()
  })
  const certificates = { current: options.certificates ?? [] }
  const serve = () =>
    serveXds({
      socketPath: join(runDirectory, 'xds.sock'),
      config: source,
      certificates: () => certificates.current.map(tlsCertificateOf),
      ...(options.trustedRoots === undefined ? {} : { trustedRoots: options.trustedRoots }),
      ...(options.amend === undefined ? {} : { amend: options.amend }),
      logger,
      meter: metrics.meter,
      removalGraceMs: REMOVAL_GRACE_MS,
    })
  let xds = await serve()
  starting.defer(async () => await xds[Symbol.asyncDispose]())
  const envoy = starting.use(await startEnvoy({ runDirectory, ...options.envoy }))
  const running = starting.move()
  return {
    port,
    envoy,
    get xds() {
      return xds
    },
    source,
    authorizer,
    log,
    certificates,
    metrics: () => metrics.render(),
    async apply(config) {
      source.set(config)
      await within(PATIENCE_MS, xds.whenAcked(config.generation), () => {
        const { stderr } = envoy
        return JSON.stringify(
          { status: xds.status(), log: log.slice(-5), stderr: stderr.slice(-5) },
          undefined,
          2,
        )
      })
    },
    async restartXds(next) {
      await xds[Symbol.asyncDispose]()
      source.set(next)
      xds = await serve()
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
