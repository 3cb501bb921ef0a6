import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { FAULT_CODES, Fault } from '../errors.ts'
import { createLogger } from '../telemetry/log.ts'
import {
  ALICE,
  authorizerFor,
  configOf,
  cookieOf,
  decodeAnswer,
  encodeAsk,
  IDP,
  MapStore,
  NOW,
  SIGNING_KEYS,
  STAFF_ROUTE,
} from './authorizer.fixture.ts'
import type { Ports } from './ports.ts'

const DETAIL = 'planted detail'
const config = configOf([{ ...STAFF_ROUTE, pass_identity_headers: true }])
const alice = { headers: { cookie: cookieOf(ALICE) } }

/** Throws as code does that nobody expects to. */
function raise(thrown: unknown): never {
  // oxlint-disable-next-line typescript/only-throw-error -- a library may throw anything
  throw thrown
}

const failingStore = (thrown: unknown, isLate: boolean): MapStore =>
  new (class extends MapStore {
    override find(): never | Promise<never> {
      return isLate ? Promise.resolve().then(() => raise(thrown)) : raise(thrown)
    }
  })()

/** Every port that a check calls, made to throw. */
const PORTS: Readonly<Record<string, (thrown: unknown) => Partial<Ports>>> = {
  'the store': (thrown) => ({ sessions: failingStore(thrown, false) }),
  'the store, later': (thrown) => ({ sessions: failingStore(thrown, true) }),
  'the policy compiler': (thrown) => ({ policyOf: () => raise(thrown) }),
  'a policy': (thrown) => ({
    policyOf: () => ({
      policy: {
        reads: new Set(),
        readsSubject: false,
        needsHeaders: [],
        mentionedGroups: [],
        mentionedClaims: [],
        decide: () => raise(thrown),
      },
    }),
  }),
  'the identity provider of a route': (thrown) => ({ idpIdsFor: () => raise(thrown) }),
  'signing an assertion': (thrown) => ({ signingKeys: { ...SIGNING_KEYS, sign: () => raise(thrown) } }),
  'the clock': (thrown) => ({ now: () => raise(thrown) }),
}

async function statusWhen(ports: Partial<Ports>): Promise<number> {
  using fixture = authorizerFor(config, { ports })
  const answer = await fixture.ask(alice)
  assert.ok(!answer.isAllowed)
  assert.ok(!JSON.stringify(answer).includes(DETAIL), 'the answer tells nothing of the message')
  return answer.status
}

describe('a check that fails', () => {
  it('would be allowed if nothing failed', async () => {
    using fixture = authorizerFor(config)
    assert.ok((await fixture.ask(alice)).isAllowed)
  })

  for (const [port, failing] of Object.entries(PORTS)) {
    it(`is denied for every fault of ${port}`, async () => {
      for (const code of FAULT_CODES) {
        const status = await statusWhen(failing(new Fault(code, DETAIL)))
        assert.ok([404, 500, 502, 503].includes(status), `${code} → ${status}`)
      }
    })

    it(`is denied for a bug in ${port}, and the log has it`, async () => {
      for (const bug of [new TypeError(DETAIL), DETAIL, undefined, null, { code: 'STORE_UNAVAILABLE' }]) {
        using fixture = authorizerFor(config, { ports: failing(bug) })
        assert.equal((await fixture.ask(alice)).status, 500)
        assert.ok(fixture.lines.some((line) => line['level'] === 'error' && line['msg'] === 'bug in a check'))
      }
    })
  }

  it('is 503 when the store is down, and says that trying again may help', async () => {
    const status = await statusWhen({ sessions: failingStore(new Fault('STORE_UNAVAILABLE', DETAIL), false) })
    assert.equal(status, 503)
  })

  for (const now of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 0]) {
    it(`is denied when the clock says ${now}`, async () => {
      assert.equal(await statusWhen({ now: () => now }), 500)
    })
  }

  it('is denied when its decision cannot be logged', async () => {
    const { logger } = createLogger({ level: 'info', destination: { write: () => raise(new Error(DETAIL)) } })
    assert.equal(await statusWhen({ logger }), 500)
  })

  it('is denied when a session has an end that is not a time', async () => {
    using fixture = authorizerFor(config, { store: new MapStore({ ...ALICE, expiresAt: Number.NaN }) })
    assert.ok(!(await fixture.ask(alice)).isAllowed)
  })

  it('is denied for bytes that are no CheckRequest', () => {
    using fixture = authorizerFor(config)
    const allowed = encodeAsk(alice, config.routes[0]?.id ?? '')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(allowed.length - 1), (noise, cut) => {
        for (const bytes of [Buffer.from(noise), allowed.subarray(0, cut)]) {
          const answer = fixture.authorizer.check(bytes)
          assert.ok(Buffer.isBuffer(answer))
          assert.ok(!decodeAnswer(answer).isAllowed)
        }
      }),
    )
  })

  it('is denied whichever byte of a request is another', () => {
    using fixture = authorizerFor(
      configOf([{ ...STAFF_ROUTE, policy: [{ allow: { and: [{ user: 'nobody' }] } }] }]),
    )
    const bytes = encodeAsk(alice, fixture.config.routes[0]?.id ?? '')
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const flipped = Buffer.from(bytes)
        flipped[at] = byte
        const answer = fixture.authorizer.check(flipped)
        assert.ok(Buffer.isBuffer(answer))
        assert.ok(!decodeAnswer(answer).isAllowed)
      }),
    )
  })

  it('knows that these tests use a live session', () => {
    assert.ok(ALICE.expiresAt > NOW && ALICE.idpId === IDP)
  })
})
