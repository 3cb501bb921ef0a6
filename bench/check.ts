/**
 * What one check costs: its parts, and the servers that take it off the wire.
 *
 * `node bench/check.ts` prints ratios within this one run; absolute times depend on the machine. The servers
 * run as processes of their own, take turns, and are measured by their own CPU time.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import {
  ALICE,
  type Ask,
  configOf,
  cookieOf,
  encodeAsk,
  IDP,
  KEYS,
  MapStore,
  SIGNING_KEYS,
  STAFF_ROUTE,
} from '../src/extauthz/authorizer.fixture.ts'
import { type Authorizer, createAuthorizer } from '../src/extauthz/authorizer.ts'
import { CheckRequest } from '../src/extauthz/check-request.ts'
import { CHECK_PATH, serveExtAuthz } from '../src/extauthz/service.ts'
import { loadProtos } from '../src/gen/protos.ts'
import { policyOf } from '../src/policy/compiled-policies.ts'
import { createMetrics } from '../src/telemetry/metrics.ts'
import { serveGrpc } from '../src/transport/grpc-server.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const CALLS = Number(process.env['BENCH_CALLS'] ?? 8000)
const CONCURRENCY = 32

/**
 * `floor` allows everything, on grpc-js with whole messages: what a plain TypeScript authorizer starts from.
 */
const SERVERS = ['thin', 'grpc-js', 'floor'] as const
type ServerKind = (typeof SERVERS)[number]

const config = configOf([{ ...STAFF_ROUTE, pass_identity_headers: true }], {
  jwt_claims_headers: ['email', 'groups'],
})
const session = { ...ALICE, expiresAt: Number.MAX_SAFE_INTEGER }

const BROWSER: Readonly<Record<string, string>> = {
  'user-agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36',
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'accept-language': 'en-GB,en;q=0.9',
  'accept-encoding': 'gzip, deflate, br, zstd',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-site': 'same-origin',
  'sec-fetch-dest': 'document',
  'sec-ch-ua': '"Chromium";v="150", "Not)A;Brand";v="8"',
  'sec-ch-ua-mobile': '?0',
  'sec-ch-ua-platform': '"Linux"',
  referer: 'https://app.example.com/board',
  'x-forwarded-for': '192.0.2.7',
  'x-forwarded-proto': 'https',
  'x-request-id': '9f1c2d3e-4b5a-4c6d-8e7f-0a1b2c3d4e5f',
}

const message = (ask: Ask = {}) =>
  encodeAsk(
    {
      path: '/board/7?tab=open',
      ...ask,
      headers: {
        ...BROWSER,
        cookie: `_ga=GA1.1.1234567890.1700000000; ${cookieOf(ALICE)}; theme=dark`,
        ...ask.headers,
      },
    },
    config.routes[0]?.id ?? '',
  )

/** Lines are made and thrown away: writing them is the same for all. */
const ports = () => ({
  config: { current: config, onGeneration: () => ({ [Symbol.dispose]() {} }) },
  policyOf,
  sessions: new MapStore(session),
  keys: KEYS,
  signingKeys: SIGNING_KEYS,
  idpIdsFor: () => [IDP],
  refreshNow: () => Promise.resolve(),
  now: Date.now,
  logger: pino({ base: null }, { write() {} }),
  meter: createMetrics().meter,
})

function allowAll(_call: unknown, respond: (error: null, value: object) => void): void {
  respond(null, { status: { code: 0 }, ok_response: {} })
}

async function serve(kind: string, path: string): Promise<void> {
  if (kind === 'floor') {
    const definition = loadProtos('services').service('envoy.service.auth.v3.Authorization')
    await serveGrpc({ socketPath: path, services: [{ definition, implementation: { Check: allowAll } }] })
  } else {
    assert.ok(kind === 'thin' || kind === 'grpc-js')
    await serveExtAuthz({ ...ports(), socketPath: path, implementation: kind })
  }
  process.on('message', () => process.send?.(process.cpuUsage()))
  process.send?.('ready')
}

async function main(): Promise<void> {
  parts()
  const home = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  const servers = await Promise.all(SERVERS.map((kind) => start(kind, join(home, `${kind}.sock`))))
  const costs = new Map<ServerKind, number[]>(SERVERS.map((kind) => [kind, []]))
  for (const server of servers) await load(server.session, CALLS / 4)
  for (let round = 0; round < ROUNDS; round++) {
    for (const { kind, child, session: client } of servers) {
      const before = await cpuOf(child)
      await load(client, CALLS)
      costs.get(kind)?.push(((await cpuOf(child)) - before) / CALLS)
    }
  }
  const floor = median(costs.get('floor') ?? [])
  console.log('\nCPU of the server process per check, over the wire')
  for (const [kind, values] of costs) {
    const cost = median(values)
    console.log(`  ${kind.padEnd(8)} ${(cost / floor).toFixed(2)} of the floor   (${cost.toFixed(1)} us)`)
  }
  for (const { child, session: client } of servers) {
    client.close()
    child.kill()
  }
  rmSync(home, { recursive: true })
}

/** The parts of a check without a wire, each in microseconds and as a share of a full protobuf decode. */
function parts(): void {
  const type = loadProtos('services').type('envoy.service.auth.v3.CheckRequest')
  const bytes = message()
  const strangers = message({ headers: { cookie: '' } })
  const authorizer = createAuthorizer(ports())
  const first = () => createAuthorizer(ports())
  const reference = timed(() => type.decode(bytes), 20_000)
  const rows: readonly (readonly [string, number])[] = [
    ['decode, protobufjs', reference],
    ['decode, our reader', timed(() => new CheckRequest(bytes), 50_000)],
    ['whole check, known session, allow', timed(() => check(authorizer, bytes), 30_000)],
    ['whole check, sign-in redirect', timed(() => check(authorizer, strangers), 3000)],
    ['whole check, first sight of a session', firstSight(first, bytes)],
  ]
  console.log('Parts, in this process')
  for (const [name, cost] of rows)
    console.log(`  ${name.padEnd(40)} ${(cost / reference).toFixed(2)}   (${cost.toFixed(2)} us)`)
}

function check(authorizer: Authorizer, bytes: Buffer): void {
  assert.ok(Buffer.isBuffer(authorizer.check(bytes)))
}

/** New authorizers are made outside the measured time. */
function firstSight(make: () => Authorizer, bytes: Buffer): number {
  const authorizers = Array.from({ length: 300 }, make)
  const strangers = message({ headers: { cookie: '' } })
  for (const authorizer of authorizers) check(authorizer, strangers)
  const startedAt = performance.now()
  for (const authorizer of authorizers) check(authorizer, bytes)
  return ((performance.now() - startedAt) * 1000) / authorizers.length
}

/** Microseconds per call: the best of five, since others only ever add to it. */
function timed(run: () => void, times: number): number {
  const costs = Array.from({ length: 6 }, () => {
    const startedAt = performance.now()
    for (let n = 0; n < times; n++) run()
    return ((performance.now() - startedAt) * 1000) / times
  })
  return Math.min(...costs.slice(1))
}

interface Running {
  readonly kind: ServerKind
  readonly child: ChildProcess
  readonly session: ClientHttp2Session
}

async function start(kind: ServerKind, path: string): Promise<Running> {
  const child = fork(import.meta.filename, [kind, path])
  await once(child, 'message')
  return { kind, child, session: connect('http://authz', { createConnection: () => connectSocket(path) }) }
}

/** Microseconds of CPU so far. */
async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu')
  const [usage]: NodeJS.CpuUsage[] = await once(child, 'message')
  return (usage?.user ?? 0) + (usage?.system ?? 0)
}

async function load(client: ClientHttp2Session, calls: number): Promise<void> {
  const body = message()
  const framed = Buffer.concat([Buffer.from([0, 0, 0, 0, 0]), body])
  framed.writeUInt32BE(body.length, 1)
  let left = calls
  const worker = async () => {
    while (left-- > 0) await call(client, framed)
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
}

function call(client: ClientHttp2Session, framed: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = client.request({
      ':method': 'POST',
      ':path': CHECK_PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    stream.on('trailers', (trailers) => {
      if (trailers['grpc-status'] !== '0') reject(new Error(`grpc-status ${String(trailers['grpc-status'])}`))
    })
    stream.on('error', reject)
    stream.on('close', resolve)
    stream.resume()
    stream.end(framed)
  })
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const [, , mode, socketPath] = process.argv
if (mode === undefined) await main()
else await serve(mode, socketPath ?? '')
