/**
 * Long lists of people and of records: no turn of the event loop may take long while they are read, and what
 * was known before counts until the new list is whole.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { parseConfig } from '../src/config/parse.ts'
import { Secret } from '../src/config/values/secret.ts'
import { readRoster } from '../src/directory/file-source.ts'
import { COPIES, keptListing } from '../src/directory/kept-listing.ts'
import { keepDeactivated, OFF } from '../src/directory/last-deactivated.ts'
import { pulledSource } from '../src/directory/pull/pulled-source.ts'
import { Roster } from '../src/directory/roster.ts'
import { MapRecords } from '../src/directory/scim/records.fixture.ts'
import { recordSource } from '../src/lookups/lookup-source.ts'
import { measureTurns, type Turns } from './harness/turns.ts'

/**
 * Of CPU time in one turn. Most of it is for collecting the garbage of the tests themselves, which hold all
 * texts.
 */
const MOST_MS = 100

const signal = new AbortController().signal
const logger = { info: () => undefined, warn: () => undefined }

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'long-lists-'))
})
after(() => rm(folder, { recursive: true }))

function assertShort({ longestMs, count }: Turns<unknown>): void {
  assert.ok(count > 1)
  assert.ok(longestMs < MOST_MS, `a turn took ${Math.round(longestMs)} ms of CPU time`)
}

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number)
const PEOPLE = numbers(5000)

const FILES = {
  csv: `email,groups,active\n${PEOPLE.map((n) => `p${n}@example.com,all;g${n % 500},${n % 9 !== 0}`).join('\n')}\n`,
  yaml: `users:\n${PEOPLE.map((n) => `  - { email: p${n}@example.com, groups: [all, g${n % 500}], active: ${n % 9 !== 0} }`).join('\n')}\n`,
  json: JSON.stringify({
    users: PEOPLE.map((n) => ({
      email: `p${n}@example.com`,
      groups: ['all', `g${n % 500}`],
      active: n % 9 !== 0,
    })),
  }),
} as const

describe('a directory file of thousands of people', () => {
  for (const format of ['csv', 'yaml', 'json'] as const)
    it(`in ${format} holds up nobody`, async () => {
      const path = join(folder, `people.${format}`)
      await writeFile(path, FILES[format])
      const turns = await measureTurns(() => readRoster(path, format, signal))
      assertShort(turns)
      const roster = turns.result
      assert.equal(roster.peopleCount, PEOPLE.length)
      assert.equal(roster.sizeOf('all'), PEOPLE.length)
      const off = roster.findByEmail('p18@example.com')
      assert.ok(typeof off === 'object' && off.groups !== 'unknown')
      assert.deepEqual([off.isActive, off.groups.map(({ id }) => id)], [false, ['all', 'g18']])
    })

  it('is told with the lines of its mistakes, and leaves no thread behind', async () => {
    const path = join(folder, 'wrong.csv')
    await writeFile(path, `${FILES.csv}x@example.com,all,maybe\n`)
    await assert.rejects(readRoster(path, 'csv', signal), /wrong\.csv:5002:1: "active" must be true or false/)
  })

  it('is not read to its end when nobody wants it any more', async () => {
    const path = join(folder, 'people.yaml')
    const abort = new AbortController()
    const reading = readRoster(path, 'yaml', abort.signal)
    abort.abort()
    await assert.rejects(reading, /ended|aborted/)
  })
})

/** Okta, with everybody in one group and 300 groups of 100. */
const MANY = 30_000
const IN_GROUP = 100
const IN_PAGE = 200
const userOf = (n: number) => ({
  id: `u${n}`,
  status: n % 9 === 0 ? 'SUSPENDED' : 'ACTIVE',
  profile: { email: `p${n}@example.com`, login: `p${n}@example.com` },
})
const groups = numbers(MANY / IN_GROUP).map((n) => ({ id: `g${n}`, profile: { name: `Group ${n}` } }))
const answers = new Map<string, { readonly text: string; readonly next: string | undefined }>([
  [
    '/api/v1/groups',
    { text: JSON.stringify([{ id: 'all', profile: { name: 'All' } }, ...groups]), next: undefined },
  ],
  ...groups.map(
    ({ id }, n) =>
      [
        `/api/v1/groups/${id}/users`,
        { text: JSON.stringify(numbers(IN_GROUP).map((m) => userOf(n * IN_GROUP + m))), next: undefined },
      ] as const,
  ),
  ...numbers(MANY / IN_PAGE).map(
    (page) =>
      [
        page === 0 ? '/api/v1/groups/all/users' : `/all/${page}`,
        {
          text: JSON.stringify(numbers(IN_PAGE).map((m) => userOf(page * IN_PAGE + m))),
          next: page + 1 < MANY / IN_PAGE ? `https://okta.example.com/all/${page + 1}` : undefined,
        },
      ] as const,
  ),
])
const http = {
  fetch: async (url: string | URL) => {
    const answer = answers.get(new URL(url).pathname)
    // As one over the network, which comes in a turn of its own.
    await nextTurn()
    return new Response(answer?.text, {
      status: answer === undefined ? 404 : 200,
      headers: answer?.next === undefined ? {} : { link: `<${answer.next}>; rel="next"` },
    })
  },
}
const SETTINGS = {
  name: 'okta',
  type: 'okta',
  url: 'https://okta.example.com',
  token: Secret.of('token'),
  match_by: 'user_id',
  group_names: true,
  poll_interval: 600_000,
  max_age: 86_400_000,
} as const

describe('a pull of tens of thousands of people', () => {
  const records = new MapRecords()
  let nowMs = 1_000_000

  it('holds up nobody, nor does keeping it', async () => {
    const { promise: isThere, resolve } = Promise.withResolvers<void>()
    const turns = await measureTurns(async () => {
      await using source = pulledSource({
        settings: SETTINGS,
        http,
        records,
        kept: undefined,
        now: () => nowMs,
        logger,
        onChange: resolve,
      })
      await isThere
      return source.status
    })
    assertShort(turns)
    assert.equal(turns.result.users, MANY)
    assert.ok(records.all.every(({ value }) => JSON.stringify(value).length < 100_000))
  })

  it('is known after a restart, and reading it holds up nobody', async () => {
    const record = await records.get(COPIES.heads, 'okta')
    assert.ok(record !== undefined)
    const turns = await measureTurns(() => keptListing(COPIES, record, records))
    assertShort(turns)
    const { roster, off, asOf } = turns.result ?? assert.fail('there is a copy')
    assert.deepEqual([roster.peopleCount, roster.groupCount, roster.sizeOf('all')], [MANY, 301, MANY])
    assert.equal(off.peopleCount, roster.peopleOff.length)
    assert.equal(asOf, nowMs)
  })

  it('that ends half way leaves the copy of before, whole', async () => {
    const failing = new MapRecords()
    Object.assign(failing, {
      put: (collection: string, id: string, value: unknown) => {
        if (collection === COPIES.heads) throw new Error('the store is full')
        return records.put(collection, id, value)
      },
      get: (collection: string, id: string) => records.get(collection, id),
    })
    nowMs += 1000
    const { promise: isThere, resolve } = Promise.withResolvers<void>()
    await using source = pulledSource({
      settings: SETTINGS,
      http,
      records: failing,
      kept: undefined,
      now: () => nowMs,
      logger,
      onChange: resolve,
    })
    await isThere
    assert.equal(source.status.users, MANY)
    const record = await records.get(COPIES.heads, 'okta')
    assert.ok(record !== undefined)
    const kept = await keptListing(COPIES, record, records)
    assert.deepEqual([kept?.asOf, kept?.roster.peopleCount], [nowMs - 1000, MANY])
  })
})

describe('thousands who are deactivated in a file', () => {
  const off = numbers(20_000).map((n) => ({
    id: `p${n}@example.com`,
    ids: [`p${n}@example.com`, `p${n}`],
    emails: [`p${n}@example.com`],
    isActive: false,
  }))
  const records = new MapRecords()
  const keep = (roster: Roster) => keepDeactivated(roster, { name: 'o', records, now: () => 1, logger })

  it('are kept in turns, in short rows', async () => {
    const roster = Roster.of(off, [])
    assertShort(await measureTurns(() => keep(roster)))
    assert.ok(records.all.every(({ value }) => JSON.stringify(value).length < 100_000))
    const record = await records.get(OFF.heads, 'o')
    assert.ok(record !== undefined)
    const turns = await measureTurns(() => keptListing(OFF, record, records))
    assertShort(turns)
    assert.equal(turns.result?.roster.peopleOff.length, off.length)
  })

  const versions = () => records.all.map(({ id, version }) => `${id} ${version}`).toSorted()

  it('are not written again while they are the same', async () => {
    const first = versions()
    await keep(Roster.of(off, []))
    assert.equal(versions().filter((one) => !first.includes(one)).length, 1, 'only what says as of when')
    await keep(Roster.of(off.slice(1), []))
    assert.ok(versions().filter((one) => !first.includes(one)).length > 50)
  })

  it('are kept in the order in which they were told, also by the source that takes the place of one', async () => {
    await Promise.all([
      keep(Roster.of(off, [])),
      keep(Roster.of(off.slice(0, 1), [])),
      keep(Roster.of([], [])),
    ])
    const record = await records.get(OFF.heads, 'o')
    assert.ok(record !== undefined)
    assert.equal((await keptListing(OFF, record, records))?.roster.peopleOff.length, 0)
  })
})

describe('a roster', () => {
  it('of one group of 100,000 is built in turns', async () => {
    const { inTurns } = await import('../src/turns.ts')
    const people = numbers(100_000).map((n) => ({ id: `p${n}`, ids: [`p${n}`], emails: [], isActive: true }))
    const all = { id: 'all', name: 'All', people: people.map(({ id }) => id), groups: [] }
    assertShort(await measureTurns(() => inTurns(Roster.building(people, [all]))))
  })
})

describe('records of 50,000 rows', () => {
  const ROWS = numbers(100_000).map((n) => ({
    email: `p${n}@example.com`,
    team: `t${n % 100}`,
    level: n % 7,
  }))
  const FORMS = {
    json: JSON.stringify(ROWS),
    csv: `email,team,level\n${ROWS.map((row) => Object.values(row).join()).join('\n')}\n`,
  } as const
  for (const format of ['json', 'csv'] as const)
    it(`in ${format} hold up nobody`, async () => {
      await writeFile(join(folder, `rows.${format}`), FORMS[format])
      const parsed = parseConfig(
        `records: { staff: { path: rows.${format}, key: user.email, key_field: email } }\nroutes: []\n`,
        { file: join(folder, 'config.yaml') },
      )
      assert.ok('config' in parsed, JSON.stringify(parsed))
      const { config } = parsed
      const [settings] = Object.values(config.settings.records)
      assert.ok(settings !== undefined)
      const turns = await measureTurns(async () => {
        const source = recordSource('staff', settings, config).open({
          http: { fetch: () => assert.fail('nothing is asked') } as never,
          now: Date.now,
          logger,
        })
        await source.copy.settled()
        return source
      })
      await using source = turns.result
      assertShort(turns)
      const table = source.copy.current
      assert.equal(table?.size, ROWS.length)
      assert.deepEqual(table.find('P37777@example.com'), {
        email: 'p37777@example.com',
        team: 't77',
        level: format === 'csv' ? String(37_777 % 7) : 37_777 % 7,
      })
    })
})
