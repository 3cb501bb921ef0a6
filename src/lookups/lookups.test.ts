import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import type { ConfigSource } from '../config/file/watch.ts'
import { parseConfig } from '../config/parse.ts'
import { createHttpClient } from '../outbound/http-client.ts'
import { type Lookups, openLookups } from './lookups.ts'

const HOUR = 3_600_000

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-lookups-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Lookups over a configuration that can be changed, with a clock and a log that the test holds. */
function world(folder: string, settings: object) {
  const configOf = (next: object): Config => {
    const parsed = parseConfig(JSON.stringify({ ...next, routes: [] }), { file: join(folder, 'config.yaml') })
    assert.ok('config' in parsed, JSON.stringify(parsed))
    return parsed.config
  }
  const listeners = new Set<(config: Config) => void>()
  let current = configOf(settings)
  const clock = { now: Date.now() }
  const lines: string[] = []
  const config: ConfigSource = {
    get current() {
      return current
    },
    status: { generation: 1, checksum: '', loadedAt: 0, state: 'good', warnings: [], unwatchedFolders: [] },
    onGeneration(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    async [Symbol.asyncDispose]() {},
  }
  const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const lookups = openLookups({
    config,
    http: createHttpClient(),
    now: () => clock.now,
    logger: { info: note, warn: note },
  })
  return {
    lookups,
    clock,
    lines,
    edit: (next: object) => {
      current = configOf(next)
      for (const listener of listeners) listener(current)
    },
  }
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 10_000
  while (!isSo()) {
    assert.ok(Date.now() < end, `waited in vain for ${what}`)
    await sleep(20)
  }
}

const teamOf = (lookups: Lookups, email: string) => {
  const row = lookups.record('people', email)
  return typeof row === 'object' ? row['team'] : row
}

describe('records from a file', () => {
  it('are there at once, and follow the file however it is replaced', async (t) => {
    const folder = folderFor(t)
    const file = join(folder, 'people.csv')
    writeFileSync(file, 'email,team\nalice@example.com,harbour\n')
    const { lookups, lines } = world(folder, {
      records: { people: { path: 'people.csv', key: 'user.email' } },
    })
    await using _ = lookups
    await lookups.ready()
    assert.equal(teamOf(lookups, 'alice@example.com'), 'harbour')
    assert.equal(teamOf(lookups, 'bob@example.com'), undefined)
    assert.equal(lookups.record('nothing', 'x'), 'unknown')

    writeFileSync(`${file}.next`, 'email,team\nalice@example.com,tower\n')
    renameSync(`${file}.next`, file)
    await until(() => teamOf(lookups, 'alice@example.com') === 'tower', 'the renamed file')

    writeFileSync(file, 'email,team\nalice@example.com\n')
    await until(() => lookups.status['records "people"']?.state === 'failing', 'the broken file')
    assert.equal(teamOf(lookups, 'alice@example.com'), 'tower')
    assert.match(lines.join('\n'), /last good copy stays.*people\.csv:2 has 1 values/)

    writeFileSync(file, 'email,team\nalice@example.com,lighthouse\n')
    await until(() => teamOf(lookups, 'alice@example.com') === 'lighthouse', 'the mended file')
    assert.match(lines.join('\n'), /can be had again/)
  })

  it('that is not there are unknown until it comes', async (t) => {
    const folder = folderFor(t)
    const { lookups, lines } = world(folder, {
      records: { people: { path: 'people.json', key: 'user.email' } },
    })
    await using _ = lookups
    await lookups.ready()
    assert.equal(teamOf(lookups, 'alice@example.com'), 'unknown')
    assert.match(lines.join('\n'), /what it says is unknown.*people\.json: there is no such file/)
    writeFileSync(join(folder, 'people.json'), '{"alice@example.com": {"team": "harbour"}}')
    await until(() => teamOf(lookups, 'alice@example.com') === 'harbour', 'the new file')
  })

  it('keep their copy while other keys of the configuration change, and go when their own are gone', async (t) => {
    const folder = folderFor(t)
    writeFileSync(join(folder, 'people.csv'), 'email,team\nalice@example.com,harbour\n')
    const people = { path: 'people.csv', key: 'user.email' }
    const { lookups, edit } = world(folder, { records: { people } })
    await using _ = lookups
    await lookups.ready()
    edit({ records: { people, others: { ...people, key: 'user.id', key_field: 'email' } } })
    assert.equal(teamOf(lookups, 'alice@example.com'), 'harbour')
    edit({})
    assert.equal(teamOf(lookups, 'alice@example.com'), 'unknown')
    assert.deepEqual(lookups.status, {})
  })
})

describe('records from an address', () => {
  it('are asked for with the headers given, stay while it fails, and are unknown once too old', async (t) => {
    const asked: IncomingMessage[] = []
    let answer: { status: number; body: string } = { status: 200, body: 'email,team\na@x.test,harbour\n' }
    const server = createServer((request, response) => {
      asked.push(request)
      response.writeHead(answer.status, { 'content-type': 'text/csv; charset=utf-8' }).end(answer.body)
    }).listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/people`
    const source = { url, key: 'user.email', headers: { Authorization: 'Bearer planted' }, max_age: '2h' }
    const { lookups, clock, lines } = world(folderFor(t), { records: { people: source } })
    await using _ = lookups
    await lookups.ready()
    assert.equal(asked[0]?.headers.authorization, 'Bearer planted')
    assert.equal(teamOf(lookups, 'A@x.test'), 'harbour')
    answer = { status: 503, body: '' }
    clock.now += 2 * HOUR
    assert.equal(teamOf(lookups, 'a@x.test'), 'harbour')
    clock.now += 1
    assert.equal(teamOf(lookups, 'a@x.test'), 'unknown')
    assert.equal(lookups.status['records "people"']?.isTooOld, true)
    assert.doesNotMatch(lines.join('\n'), /planted/)
  })
})

describe('places', () => {
  const fixture = join(import.meta.dirname, 'places.fixture.mmdb')

  it('are unknown without a database, with a broken one, and with one that is too old', async (t) => {
    const folder = folderFor(t)
    const none = world(folder, {})
    await using nowhere = none.lookups
    assert.equal(nowhere.place('192.0.2.7'), 'unknown')

    writeFileSync(join(folder, 'broken.mmdb'), 'not a database')
    copyFileSync(fixture, join(folder, 'good.mmdb'))
    const { lookups, clock, edit } = world(folder, { geoip: { databases: ['good.mmdb', 'broken.mmdb'] } })
    await using _ = lookups
    await lookups.ready()
    assert.equal(lookups.place('192.0.2.7'), 'unknown')
    edit({ geoip: { databases: ['good.mmdb'], max_age: '8760h' } })
    const place = lookups.place('192.0.2.7')
    assert.ok(typeof place === 'object' && place.country === 'NZ')
    assert.equal(lookups.place('10.0.0.1'), undefined)
    clock.now += 8761 * HOUR
    assert.equal(lookups.place('192.0.2.7'), 'unknown')
  })
})
