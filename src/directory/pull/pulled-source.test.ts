import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Secret } from '../../config/values/secret.ts'
import { COPIES, keptListing } from '../kept-listing.ts'
import { MapRecords } from '../scim/records.fixture.ts'
import type { OpenSource } from '../source.ts'
import { common, PLANTED, PlayedApi, type Script, secret } from './played-api.fixture.ts'
import { type PulledSourceOptions, pulledSource } from './pulled-source.ts'

const OKTA: Script = {
  'GET /api/v1/groups': () => ({ body: [{ id: 'g1', profile: { name: 'Staff' } }] }),
  'GET /api/v1/groups/g1/users': () => ({
    body: [{ id: 'alice', status: 'ACTIVE', profile: { email: 'alice@example.com' } }],
  }),
}
const pulling = (bobs: readonly object[]): Script => ({
  ...OKTA,
  'GET /api/v1/groups/g1/users': () => ({
    body: [{ id: 'alice', status: 'ACTIVE', profile: {} }, ...bobs],
  }),
})
const DOWN: Script = { 'GET /api/v1/groups': () => ({ status: 500 }) }

class Bench implements AsyncDisposable {
  readonly api: PlayedApi
  now = 1_000_000
  readonly records = new MapRecords()
  readonly log: string[] = []
  #waiting: (() => void) | undefined

  constructor(api: PlayedApi) {
    this.api = api
  }

  async open(more: Partial<PulledSourceOptions['settings']> = {}): Promise<OpenSource> {
    const record = await this.records.get(COPIES.heads, 'pulled')
    const write = (fields: object, message: string) => void this.log.push(JSON.stringify([fields, message]))
    const settings = {
      ...common,
      type: 'okta',
      url: this.api.url,
      token: secret,
      ...more,
    } as PulledSourceOptions['settings']
    return pulledSource({
      settings,
      http: this.api.ports.http,
      records: this.records,
      kept: record && (await keptListing(COPIES, record, this.records)),
      now: () => this.now,
      logger: { info: write, warn: write },
      onChange: () => this.#waiting?.(),
    })
  }

  /** Resolves with the next pull that goes well. */
  pulled(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api[Symbol.asyncDispose]()
  }
}

/** Gives up after some seconds: a source that believes what it must not never fails. */
async function until(isSo: () => boolean): Promise<void> {
  for (let round = 0; round < 400 && !isSo(); round++) await new Promise((resolve) => setTimeout(resolve, 10))
}

const isKnown = (source: OpenSource) => source.roster?.findById('alice') !== undefined

describe('a pulled source', () => {
  it('is unknown until the first pull, and says so', async () => {
    await using bench = new Bench(await PlayedApi.start(OKTA))
    const pulled = bench.pulled()
    await using source = await bench.open()
    assert.equal(source.status.state, 'unknown')
    await pulled
    assert.deepEqual(source.status, {
      name: 'pulled',
      type: 'okta',
      state: 'good',
      users: 1,
      groups: 1,
      ageSeconds: 0,
    })
    assert.ok(isKnown(source))
  })

  it('knows after a restart what it knew before, until that is too old', async () => {
    await using bench = new Bench(await PlayedApi.start(OKTA))
    const pulled = bench.pulled()
    await using first = await bench.open()
    await pulled
    bench.api.script = DOWN
    bench.now += 3_600_000
    await using again = await bench.open({ token: Secret.of('another-token') })
    assert.ok(isKnown(again))
    const { goodUntil = 0 } = again
    bench.now = goodUntil - 1
    assert.ok(isKnown(again))
    bench.now = goodUntil
    assert.deepEqual([isKnown(again), again.status.state], [false, 'unknown'])
    assert.equal(again.status.ageSeconds, 86_400)
    assert.equal(first.failures, 0)
  })

  for (const [what, users] of [
    ['got another address', [{ id: 'bob', status: 'DEPROVISIONED', profile: { email: 'gone@example.com' } }]],
    ['are pulled no more', []],
  ] as const)
    it(`remembers over a restart who was deactivated, where they ${what}`, async () => {
      const bob = { id: 'bob', status: 'SUSPENDED', profile: { email: 'bob@example.com' } }
      await using bench = new Bench(await PlayedApi.start(pulling([bob])))
      for (const script of [pulling([bob]), pulling(users), pulling(users), DOWN]) {
        bench.api.script = script
        const pulled = bench.pulled()
        await using source = await bench.open()
        if (script !== DOWN) await pulled
        const found = source.roster?.findByEmail('bob@example.com', 500)
        assert.ok(found !== undefined && typeof found === 'object')
        assert.ok(!found.isActive && (found.leftAt ?? 500) >= 500)
      }
    })

  it('does not take the copy of another directory for its own, nor one that can not be read', async () => {
    await using bench = new Bench(await PlayedApi.start(OKTA))
    const pulled = bench.pulled()
    await using first = await bench.open()
    await pulled
    assert.ok(isKnown(first))
    bench.api.script = DOWN
    await using other = await bench.open({ url: `${bench.api.url}/other` })
    assert.equal(other.roster, undefined)
    await bench.records.put(COPIES.heads, 'pulled', { people: 'x' })
    await using broken = await bench.open()
    assert.equal(broken.roster, undefined)
  })

  it('is not believed to be empty: a right that is missing would let in whom it had deactivated', async () => {
    await using bench = new Bench(await PlayedApi.start(OKTA))
    const pulled = bench.pulled()
    await using first = await bench.open()
    await pulled
    bench.api.script = { 'GET /api/v1/groups': () => ({ body: [] }) }
    await using again = await bench.open()
    await until(() => again.failures > 0)
    assert.notEqual(again.failures, 0)
    assert.ok(isKnown(again) && isKnown(first))
    assert.match(again.status.problem?.message ?? '', /names nobody/)
  })

  it('puts no secret into the store or the log', async () => {
    await using bench = new Bench(await PlayedApi.start(OKTA))
    const pulled = bench.pulled()
    await using source = await bench.open()
    await pulled
    bench.api.script = DOWN
    assert.ok(isKnown(source))
    assert.doesNotMatch(JSON.stringify([bench.records.all, bench.log]), new RegExp(PLANTED))
  })
})
