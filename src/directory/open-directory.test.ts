import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/parse.ts'
import type { RecordStore, StoredRecord } from '../session/records.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import type { Member } from './effective-groups.ts'
import { type DirectoryService, openDirectory } from './open-directory.ts'
import { MapRecords } from './scim/records.fixture.ts'

import { RESOURCE_TYPES } from './scim/schema.ts'
import { ScimSource } from './scim/scim-source.ts'

const ALICE: Member = {
  idpId: 'idp',
  userId: 'alice',
  email: 'alice@example.com',
  claims: {},
  issuedAt: 0,
  groups: ['claimed'],
}

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'directory-'))
  await writeFile(join(folder, 'a.yaml'), 'groups: { a: [alice@example.com] }\n')
  await writeFile(join(folder, 'b.yaml'), 'groups: { b: [alice@example.com] }\n')
})
after(() => rm(folder, { recursive: true }))

function configOf(text: string): Config {
  const parsed = parseConfig(`${text}\nroutes: []\n`, { file: join(folder, 'config.yaml') })
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return parsed.config
}

/** A configuration that the test changes, and records in a map. */
class Bench {
  current: Config
  readonly records = new Map<string, StoredRecord>()
  readonly warnings: string[] = []
  readonly metrics = createMetrics()
  #listener: ((config: Config) => void) | undefined

  readonly #stored: RecordStore | undefined

  constructor(text: string, stored?: RecordStore) {
    this.current = configOf(text)
    this.#stored = stored
  }

  open(): Promise<DirectoryService<Member>> {
    const records: RecordStore = {
      get: (collection, id) => this.records.get(`${collection} ${id}`),
      list: (collection) =>
        [...this.records].filter(([key]) => key.startsWith(`${collection} `)).map(([, one]) => one),
      page: () => [],
      put: (collection, id, value) => {
        const record = { collection, id, value, version: 1, changedAt: 1 }
        this.records.set(`${collection} ${id}`, record)
        return record
      },
      delete: (collection, id) => this.records.delete(`${collection} ${id}`),
      onChange: () => ({ [Symbol.dispose]: () => undefined }),
    }
    return openDirectory<Member>({
      config: {
        current: this.current,
        onGeneration: (listener) => {
          this.#listener = listener
          return { [Symbol.dispose]: () => undefined }
        },
      },
      providerName: () => 'default',
      records: this.#stored ?? records,
      http: { fetch: () => Promise.reject(new Error('no network')) },
      now: () => 1_000_000,
      logger: { info: () => undefined, warn: (_, message) => this.warnings.push(message) },
      meter: this.metrics.meter,
    })
  }

  change(text: string): void {
    this.#listener?.(configOf(text))
  }
}

const A = '{ name: a, type: file, path: a.yaml }'
const B = '{ name: b, type: file, path: b.yaml }'

const recordOf = (id: string): StoredRecord => ({ collection: 'c', id, value: {}, version: 1, changedAt: 1 })

describe('the directory of the configuration', () => {
  it('is that of the generation in force; a source that stays is not read anew', async () => {
    const bench = new Bench(`directory: [${A}]`)
    await using directory = await bench.open()
    assert.deepEqual(directory.apply(ALICE).groups, ['claimed', 'a'])
    bench.change(`directory: [${A}]\ngroups_from_claims: false`)
    assert.deepEqual(directory.apply(ALICE).groups, ['a'])
    bench.change(`directory: [${A}, ${B}]`)
    // The new one is being read.
    assert.equal(directory.apply(ALICE).groups, 'unknown')
    await new Promise<void>((done) => {
      const listening = directory.onChange(() => {
        if (directory.apply(ALICE).groups === 'unknown') return
        listening[Symbol.dispose]()
        done()
      })
    })
    assert.deepEqual(directory.apply(ALICE).groups, ['claimed', 'a', 'b'])
    bench.change('directory: []')
    assert.equal(directory.apply(ALICE), ALICE)
    assert.deepEqual(directory.status, [])
  })

  it('is told of in metrics, by the names of its sources', async () => {
    const bench = new Bench(`directory: [${A}, { name: gone, type: file, path: gone.yaml }]`)
    await using directory = await bench.open()
    assert.deepEqual(
      directory.status.map(({ name, state, users }) => [name, state, users]),
      [
        ['a', 'good', 1],
        ['gone', 'unknown', 0],
      ],
    )
    const text = await bench.metrics.render()
    assert.match(text, /sallyport_directory_users\{source="a"[^}]*\} 1/)
    assert.match(text, /sallyport_directory_failures_total\{source="gone"[^}]*\} [1-9]/)
    assert.doesNotMatch(text, /sallyport_directory_age_seconds\{source="gone"/)
  })

  it('removes the copy of a source that is no longer there', async () => {
    const bench = new Bench(
      'directory: [{ name: kept, type: okta, url: "https://okta.example.com", token: t }]',
    )
    for (const id of ['kept', 'gone']) bench.records.set(`directory-copy ${id}`, recordOf(id))
    await using directory = await bench.open()
    assert.equal(directory.apply(ALICE).groups, 'unknown')
    assert.deepEqual([...bench.records.keys()], ['directory-copy kept'])
  })
})

const OFF = 'users: [{ email: alice@example.com, active: false }]\n'
const OFF_BOB = 'users: [{ id: b1, email: bob@example.com, active: false }]\n'
const BOB: Member = { ...ALICE, userId: 'b1', email: 'bob@example.com', issuedAt: 500 }
const O = '{ name: o, type: file, path: off.yaml }'
const PULL = '{ name: p, type: okta, url: "https://okta.example.com", token: t, match_by: email }'
/** Resolves when that many people are known to the only source. */
const reachUsers = async (directory: DirectoryService<Member>, users: number) => {
  while (directory.status[0]?.users !== users) await new Promise((resolve) => setImmediate(resolve))
}

const SCIM = `{ name: o, type: scim, match_by: email, token: ${'t'.repeat(43)} }`
const people = (isActive: boolean) => [
  { id: '1', ids: ['1'], emails: ['alice@example.com'], isActive },
  { id: '2', ids: ['2'], emails: ['bob@example.com'], isActive: true },
]
const isOffIn = async (bench: Bench, member = ALICE) => {
  await using directory = await bench.open()
  return directory.isDeactivated(member)
}
const write = async (text: string) => await writeFile(join(folder, 'off.yaml'), text)

describe('who is deactivated', () => {
  for (const [what, spoil] of [
    ['has a slip', () => write(OFF.replace('false', 'flase'))],
    ['is gone', () => rm(join(folder, 'off.yaml'))],
    ['is empty', () => write('')],
  ] as const)
    it(`stays so after a restart with a file that ${what}`, async () => {
      await write(OFF)
      const bench = new Bench(`directory: [${O}]`)
      assert.equal(await isOffIn(bench), true)
      await spoil()
      assert.equal(await isOffIn(bench), true)
      assert.equal(await isOffIn(bench), true, 'and after another')
      await write(OFF.replace('false', 'true'))
      assert.equal(await isOffIn(bench), false)
      await spoil()
      assert.equal(await isOffIn(bench), false, 'it was taken back')
    })

  for (const [what, text] of [
    ['has another address', OFF_BOB.replace(': bob', ': deleted-bob')],
    ['has no row any more', 'users: [{ email: carol@example.com }]\n'],
  ] as const)
    it(`stays so, also over restarts, who ${what} in the file`, async () => {
      await write(OFF_BOB)
      const bench = new Bench(`directory: [${O}]`)
      assert.equal(await isOffIn(bench, BOB), true)
      await write(text)
      for (const _ of [1, 2, 3]) assert.equal(await isOffIn(bench, BOB), true)
      assert.equal(await isOffIn(bench, { ...BOB, issuedAt: 1_000_001 }), false)
    })

  it('is found by an earlier address, also when a restart comes between the two changes', async () => {
    const ON_BOB = OFF_BOB.replace('false', 'true, groups: [crew]')
    const renamed = ON_BOB.replace(': bob', ': robert')
    const byAddress = { ...BOB, userId: 'of the provider' }
    await write(ON_BOB)
    const bench = new Bench(`directory: [${O}]`)
    {
      await using directory = await bench.open()
      await write(renamed)
      const robert = { ...byAddress, email: 'robert@example.com' }
      while (!directory.apply(robert).groups.includes('crew'))
        await new Promise((resolve) => setImmediate(resolve))
    }
    await write(renamed.replace('true', 'false'))
    assert.equal(await isOffIn(bench, byAddress), true)
    assert.equal(await isOffIn(bench, { ...byAddress, issuedAt: 1_000_001 }), false)
  })

  it('stays so when the source gets other settings, by which it can not be read', async () => {
    await write(OFF)
    const bench = new Bench(`directory: [${O}]`)
    await using directory = await bench.open()
    bench.change('directory: [{ name: o, type: file, path: nowhere.yaml }]')
    assert.equal(directory.isDeactivated(ALICE), true)
  })

  it('stays so with a pull that is too old, of other settings, or that fails', async () => {
    const bench = new Bench(`directory: [${PULL}]`)
    bench.records.set('directory-copy p', {
      ...recordOf('p'),
      value: { of: 'other settings', asOf: -1e12, people: people(false), groups: [] },
    })
    assert.equal(await isOffIn(bench), true)
    const bob = { ...ALICE, email: 'bob@example.com' }
    await using directory = await bench.open()
    assert.equal(directory.isDeactivated(bob), false)
    assert.equal(directory.apply(bob).groups, 'unknown')
  })

  describe('stays so when the source becomes one of another type that has said nothing yet:', () => {
    const TYPES = {
      file: '{ name: o, type: file, path: nowhere.yaml }',
      okta: '{ name: o, type: okta, url: "https://okta.example.com", token: t, match_by: email }',
      scim: `{ name: o, type: scim, token: ${'t'.repeat(40)}, match_by: email }`,
    }
    const pulled = { of: 'earlier settings', asOf: 1, people: people(false), groups: [] }
    const pulledBefore = (bench: Bench) =>
      bench.records.set('directory-copy o', { ...recordOf('o'), value: pulled })

    for (const [type, source] of Object.entries(TYPES))
      it(`from a file to ${type}, at once and after a restart`, async () => {
        await write(OFF)
        const bench = new Bench(`directory: [${O}]`)
        {
          await using directory = await bench.open()
          bench.change(`directory: [${source}]`)
          assert.equal(directory.isDeactivated(ALICE), true)
        }
        bench.current = configOf(`directory: [${source}]`)
        assert.equal(await isOffIn(bench), true)
        assert.equal(await isOffIn(bench), true, 'and after another')
      })

    for (const type of ['file', 'scim'] as const)
      it(`from a pull to ${type}, at once and after a restart`, async () => {
        const bench = new Bench(`directory: [${TYPES.okta}]`)
        pulledBefore(bench)
        {
          await using directory = await bench.open()
          assert.equal(directory.isDeactivated(ALICE), true)
          bench.change(`directory: [${TYPES[type]}]`)
          assert.equal(directory.isDeactivated(ALICE), true)
        }
        bench.current = configOf(`directory: [${TYPES[type]}]`)
        assert.equal(await isOffIn(bench), true)
      })
  })

  it('stays so when the source becomes one that is pushed, until that names them', async () => {
    await write(
      'users: [{ email: alice@example.com, active: false }, { email: bob@example.com, active: false }]',
    )
    const pushed = new MapRecords()
    const bench = new Bench(`directory: [${O}]`, pushed)
    const bob = { ...ALICE, userId: 'bob', email: 'bob@example.com' }
    const off = (directory: DirectoryService<Member>) =>
      [ALICE, bob].map((one) => directory.isDeactivated(one))
    {
      await using directory = await bench.open()
      assert.deepEqual(off(directory), [true, true])
      bench.change(`directory: [${SCIM}]`)
      assert.deepEqual(off(directory), [true, true], 'nothing was pushed')
      using client = await ScimSource.open({
        name: 'o',
        records: pushed,
        now: () => 1_000_000,
        onChange: () => undefined,
        onFailure: (error) => assert.fail(String(error)),
      })
      await client.create(RESOURCE_TYPES.User, { userName: 'carol@example.com', active: false })
      await reachUsers(directory, 1)
      assert.deepEqual(off(directory), [true, true], 'somebody else was pushed')
      bench.change(`directory: [${SCIM.replace('}', ', group_names: false }')}]`)
      const carol = { ...ALICE, userId: 'carol', email: 'carol@example.com' }
      assert.ok(directory.isDeactivated(carol), 'what was pushed is being read anew')
      await reachUsers(directory, 1)
      assert.deepEqual(off(directory), [true, true], 'under other settings')
      await client.create(RESOURCE_TYPES.User, { userName: 'alice@example.com' })
      await reachUsers(directory, 2)
      assert.deepEqual(off(directory), [false, true], 'one of them was pushed')
    }
    bench.current = configOf(`directory: [${SCIM}]`)
    await using directory = await bench.open()
    assert.deepEqual(off(directory), [false, true], 'after a restart')
  })

  it('ends with the source, by a word of the operator, and that is told', async () => {
    await write(OFF)
    const bench = new Bench(`directory: [${O}]`)
    {
      await using directory = await bench.open()
      bench.change('directory: []')
      assert.equal(directory.isDeactivated(ALICE), false)
    }
    assert.match(bench.warnings.join(), /not configured any more/)
    bench.warnings.length = 0
    bench.current = configOf(`directory: [${A}]`)
    assert.equal(await isOffIn(bench), false)
    assert.match(bench.warnings.join(), /not configured any more/)
    assert.ok(!bench.records.has('directory-off o'))
  })
})
