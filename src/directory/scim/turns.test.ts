import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { measureTurns } from '../../../test/harness/turns.ts'
import { inTurns } from '../../turns.ts'
import { readJson } from './read-json.ts'
import { MapRecords } from './records.fixture.ts'
import { COLLECTIONS, MEMBERS } from './records.ts'
import { ScimRefusal } from './refusal.ts'
import { answerScim } from './requests.ts'
import { RESOURCE_TYPES } from './schema.ts'
import { ScimSource } from './scim-source.ts'
import { writeJson } from './write-json.ts'

const MANY = 20_000
/** Half of it is for the collector of garbage and for code that has not run yet. */
const LONGEST_MS = 40

const open = async (records: MapRecords) =>
  await ScimSource.open({
    name: 'pushed',
    records,
    now: () => 1_000_000,
    onChange: () => undefined,
    onFailure: (error) => {
      throw error
    },
  })

interface Asked {
  readonly status: number
  readonly text: string
  /** Of this thread's time, however busy the machine is: what one round of the event loop took at most. */
  readonly longestMs: number
}

async function ask(source: ScimSource, method: string, address: string, body?: object): Promise<Asked> {
  const [path = '', query] = address.split('?')
  const sent = body && JSON.stringify(body)
  const answer = async () => {
    const request = {
      method,
      path,
      query: new URLSearchParams(query),
      ifMatch: undefined,
      ifNoneMatch: undefined,
    }
    const read = sent === undefined ? undefined : await inTurns(readJson(sent))
    const { status, body: resource } = await answerScim({
      source,
      baseUrl: 'https://x',
      request: { ...request, body: read },
    })
    return { status, text: resource === undefined ? '' : await inTurns(writeJson(resource)) }
  }
  const { result, longestMs } = await measureTurns(() =>
    answer().catch((error: unknown) => {
      if (error instanceof ScimRefusal) return { status: error.status, text: error.scimType ?? '' }
      throw error
    }),
  )
  return { ...result, longestMs }
}

const idOf = (text: string) => (JSON.parse(text) as { id: string }).id
const operations = (...all: readonly object[]) => ({ Operations: all })
const hundred = (term: (index: number) => string) =>
  Array.from({ length: 100 }, (_, index) => term(index)).join(' or ')
const filter = (text: string) => `filter=${encodeURIComponent(text)}`

describe('a group of 20,000 members', () => {
  it('holds the thread for no request for long, and a filter that would is refused', async () => {
    const source = await open(new MapRecords())
    const members = Array.from({ length: MANY }, (_, index) => ({
      value: randomUUID(),
      display: `Person ${index}`,
    }))
    const [first = assert.fail()] = members
    const whole = { displayName: 'Everybody', members }
    const longest: Record<string, number> = {}
    const check = async (what: string, status: number, ...asked: [string, string, object?]) => {
      const answer = await ask(source, ...asked)
      assert.equal(answer.status, status, `${what}: ${answer.text.slice(0, 200)}`)
      longest[what] = answer.longestMs
      return answer.text
    }
    const path = `Groups/${idOf(await check('creation', 201, 'POST', 'Groups', whole))}`
    await check('replacement', 200, 'PUT', path, { ...whole, members: members.toReversed() })
    await check('no change', 200, 'PUT', path, { ...whole, members: members.toReversed() })
    const rename = { op: 'replace', path: 'displayName', value: 'All' }
    await check('a new name', 204, 'PATCH', path, operations(rename))
    const join = { op: 'add', path: 'members', value: [{ value: 'one-more' }] }
    await check('one more', 204, 'PATCH', path, operations(join))
    const leave = members
      .slice(0, 1000)
      .map(({ value }) => ({ op: 'remove', path: `members[value eq "${value}"]` }))
    await check('a thousand less', 204, 'PATCH', path, operations(...leave))
    const byId = { op: 'remove', path: `members[${hundred((index) => `value eq "${index}"`)}]` }
    await check('filters of ids', 204, 'PATCH', path, operations(...Array.from({ length: 10 }, () => byId)))
    const dear = { op: 'remove', path: `members[${hundred((index) => `display co "${index}x"`)}]` }
    const refused = await check(
      'dear filters',
      400,
      'PATCH',
      path,
      operations(...Array.from({ length: 10 }, () => dear)),
    )
    assert.equal(refused, 'tooMany')
    const shown = JSON.parse(await check('reading', 200, 'GET', path)) as { members: unknown[] }
    assert.equal(shown.members.length, MANY - 999)
    await check('reading parts', 200, 'GET', `${path}?attributes=members.value`)
    await check('reading all groups', 200, 'GET', 'Groups?count=1000')
    const found = await check('whose group', 200, 'GET', `Groups?${filter('members[value eq "one-more"]')}`)
    assert.match(found, /"totalResults":1/)
    const none = await check(
      'whose group no more',
      200,
      'GET',
      `Groups?${filter(`members eq "${first.value}"`)}`,
    )
    assert.match(none, /"totalResults":0/)
    assert.equal(
      await check('members by parts', 400, 'GET', `Groups?${filter('members co "a"')}`),
      'invalidFilter',
    )
    const person = idOf(await check('a person', 201, 'POST', 'Users', { userName: 'leaver' }))
    await check(
      'joining',
      204,
      'PATCH',
      path,
      operations({ op: 'add', path: 'members', value: [{ value: person }] }),
    )
    await check('leaving', 204, 'DELETE', `Users/${person}`)
    await check('deletion', 204, 'DELETE', path)
    for (const [what, ms] of Object.entries(longest)) assert.ok(ms < LONGEST_MS, `${what}: ${ms} ms`)
  })

  it('lies in parts that are seen as one, here, elsewhere and after a restart', async () => {
    const records = new MapRecords()
    const [here, there] = [await open(records), await open(records)]
    const members = Array.from({ length: 1200 }, (_, index) => ({ value: `m${index}` }))
    const { Group } = RESOURCE_TYPES
    const { id } = await here.create(Group, { displayName: 'Staff', members })
    const sizes = async (source: ScimSource) => {
      await source.delete(Group, 'nobody', () => true).catch(() => undefined)
      const kept = (await source.get(Group, id)).resource['members']
      return [Array.isArray(kept) ? kept.length : 0, source.roster.groupsThatName('m1199').length]
    }
    for (const source of [here, there, await open(records)]) assert.deepEqual(await sizes(source), [1200, 1])
    const change = async (...all: readonly object[]) =>
      await here.patch(Group, id, operations(...all), () => true)
    await change({ op: 'remove', path: 'members[value eq "m1199"]' })
    for (const source of [here, there, await open(records)]) assert.deepEqual(await sizes(source), [1199, 0])
    await change({ op: 'replace', path: 'members', value: members.slice(1000) })
    for (const source of [here, there, await open(records)]) assert.deepEqual(await sizes(source), [200, 1])
    assert.deepEqual(records.list(MEMBERS), [], 'no part is left behind')
    await change({ op: 'add', path: 'members', value: members })
    await here.delete(Group, id, () => true)
    await sizes(there).catch(() => undefined)
    assert.deepEqual(
      [here, there].map(({ roster }) => roster.groupsThatName('m1199')),
      [[], []],
    )
    assert.deepEqual([records.list(MEMBERS), records.list(COLLECTIONS.Group)], [[], []])
  })
})

describe('a directory of many people', () => {
  it('is listed and searched in turns, a filter at a price, names of attributes in bounds', async () => {
    const source = await open(new MapRecords())
    const { User } = RESOURCE_TYPES
    for (let index = 0; index < 2000; index += 1)
      await source.create(User, {
        userName: `p${index}`,
        emails: [{ value: `p${index}@example.com`, type: 'work' }],
      })
    const asked: Record<string, Asked> = {
      page: await ask(source, 'GET', 'Users?count=1000&startIndex=500'),
      address: await ask(
        source,
        'GET',
        `Users?${filter('emails[type eq "work"].value eq "p77@example.com"')}`,
      ),
      terms: await ask(source, 'POST', '.search', { filter: hundred((index) => `emails co "${index}z"`) }),
      names: await ask(source, 'POST', '.search', {
        attributes: Array.from({ length: 201 }, (_, index) => `a${index}`),
      }),
    }
    assert.deepEqual(
      Object.values(asked).map(({ status }) => status),
      [200, 200, 200, 400],
    )
    assert.match(asked['page']?.text ?? '', /"totalResults":2000,"startIndex":500,"itemsPerPage":1000/)
    assert.match(asked['address']?.text ?? '', /"totalResults":1/)
    for (const [what, { longestMs }] of Object.entries(asked))
      assert.ok(longestMs < LONGEST_MS, `${what}: ${longestMs} ms`)
  })
})

describe('work in turns', () => {
  it('takes one piece in each round of the event loop, however many wait', async () => {
    let [round, pieces, mostInRound] = [0, 0, 0]
    const busy = function* () {
      for (let times = 0; times < 20; times += 1) {
        pieces += 1
        const until = performance.now() + 5
        while (performance.now() < until);
        yield
      }
    }
    const seen = { isOver: false }
    const rounds = async () => {
      while (!seen.isOver) {
        const before = pieces
        await setImmediate()
        round += 1
        mostInRound = Math.max(mostInRound, pieces - before)
      }
    }
    const counting = rounds()
    await Promise.all(Array.from({ length: 10 }, () => inTurns(busy())))
    seen.isOver = true
    await counting
    assert.equal(pieces, 200)
    assert.ok(mostInRound <= 2, `${mostInRound} pieces in one round of ${round}`)
  })
})
