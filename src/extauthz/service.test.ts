import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Client, credentials, makeGenericClientConstructor, type ServiceError } from '@grpc/grpc-js'
import { policyOf } from '../policy/compiled-policies.ts'
import { createLogger } from '../telemetry/log.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import {
  ALICE,
  type Ask,
  BOB,
  configOf,
  cookieOf,
  decodeAnswer,
  encodeAsk,
  IDP,
  KEYS,
  MapStore,
  NOW,
  SIGNING_KEYS,
  STAFF_ROUTE,
} from './authorizer.fixture.ts'
import { CHECK_PATH, serveExtAuthz } from './service.ts'

const config = configOf([{ ...STAFF_ROUTE, pass_identity_headers: true }])
const routeId = config.routes[0]?.id ?? ''
const identity = (bytes: Buffer) => bytes
const CheckClient = makeGenericClientConstructor(
  {
    check: {
      path: CHECK_PATH,
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    },
  },
  'Authorization',
)

/** Answers without what is made anew each time: assertion, signed URL and flow cookie. */
function stable(bytes: Buffer): object {
  const { headers, body, ...rest } = decodeAnswer(bytes)
  const kept = Object.entries(headers).map(([name, value]) => {
    if (name === 'location') return [name, new URL(value).pathname]
    if (name === 'set-cookie') return [name, value.replace(/=[\w-]{22};/, '=…;')]
    return [name, name === 'x-pomerium-jwt-assertion' ? value.split('.').length : value]
  })
  return { ...rest, headers: kept, body: body.replaceAll(/pomerium_(?:flow|signature)=[\w-]+/g, '') }
}

const ASKS: readonly Ask[] = [
  {},
  { headers: { cookie: cookieOf(ALICE) } },
  { headers: { cookie: `a=1; ${cookieOf(ALICE)}; b=ü` } },
  { headers: { cookie: cookieOf(BOB), accept: 'text/html' } },
  { headers: { cookie: cookieOf(BOB), accept: 'application/json' } },
  { headers: { cookie: `${cookieOf(ALICE)}; ${cookieOf(BOB)}` } },
  { headers: { cookie: cookieOf(ALICE), 'x-pomerium-claim-email': 'forged' } },
  { path: '/robots.txt' },
  { path: '/#' },
  { routeId: 'gone' },
  { headers: { cookie: 'x'.repeat(60_000) } },
  {
    rawHeaders: [
      ['cookie', Buffer.from([0xff, 0xfe])],
      ['accept', '*/*'],
    ],
  },
]

const call = (client: Client, message: Buffer) =>
  new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest(
      CHECK_PATH,
      identity,
      identity,
      message,
      (error: ServiceError | null, bytes?: Buffer) => {
        if (bytes === undefined) reject(error ?? new Error('no answer'))
        else resolve(bytes)
      },
    )
  })

describe('the two servers of Check', () => {
  const home = mkdtempSync(join(tmpdir(), 'sallyport-authz-'))
  const running = new AsyncDisposableStack()
  const clients: Client[] = []
  const lines: string[] = []
  before(async () => {
    for (const implementation of ['thin', 'grpc-js'] as const) {
      const socketPath = join(home, `${implementation}.sock`)
      running.use(
        await serveExtAuthz({
          socketPath,
          implementation,
          config: { current: config, onGeneration: () => ({ [Symbol.dispose]() {} }) },
          policyOf,
          sessions: new MapStore(ALICE, BOB),
          keys: KEYS,
          signingKeys: SIGNING_KEYS,
          idpIdsFor: () => [IDP],
          refreshNow: () => Promise.resolve(),
          now: () => NOW,
          logger: createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } })
            .logger,
          meter: running.use(createMetrics()).meter,
        }),
      )
      clients.push(new CheckClient(`unix:${socketPath}`, credentials.createInsecure()))
    }
  })
  after(async () => {
    for (const client of clients) client.close()
    await running.disposeAsync()
    rmSync(home, { recursive: true })
  })

  it('give the same answers', async () => {
    for (const ask of ASKS) {
      const message = encodeAsk(ask, routeId)
      const [thin, reference] = await Promise.all(clients.map((client) => call(client, message)))
      assert.ok(thin !== undefined && reference !== undefined)
      assert.deepEqual(stable(thin), stable(reference), JSON.stringify(ask))
    }
    assert.equal(lines.filter((line) => line.includes('authorize check')).length, 2 * ASKS.length)
  })

  it('deny bytes that are no CheckRequest in the same words', async () => {
    const [thin, reference] = await Promise.all(
      clients.map((client) => call(client, Buffer.from('garbage!'))),
    )
    assert.ok(thin !== undefined && reference !== undefined)
    assert.deepEqual(thin, reference)
    assert.equal(decodeAnswer(thin).status, 503)
  })
})
