/**
 * The dearest inputs that anybody could think of, and the largest jobs: no turn of the event loop may take
 * long, because every check waits for it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PassThrough } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import { createSealer } from '../src/crypto/seal.ts'
import { ALICE, authorizerFor, configOf, cookieOf, STAFF_ROUTE } from '../src/extauthz/authorizer.fixture.ts'
import { followConfig } from '../src/follow-config.ts'
import { openSqliteStore } from '../src/session/file-store.ts'
import { newSession } from '../src/session/store-under-test.fixture.ts'
import { createLogger } from '../src/telemetry/log.ts'
import { createMetrics } from '../src/telemetry/metrics.ts'
import { serveXds } from '../src/xds/service.ts'
import { measureTurns } from './harness/turns.ts'
import { until } from './harness/until.ts'

/** Of CPU time in one turn. Collecting garbage counts too, so it is more than the work alone may take. */
const MOST_MS = 50

const START = newSession().issuedAt
const HOUR = 3_600_000
const DAY = 24 * HOUR

/** A store of one session of ours and 100,000 others, of which half end in an hour and half in ten days. */
async function crowdedStore(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-crowd-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'sallyport.db')
  const sealer = createSealer(randomBytes(32))
  const clock = { now: START }
  const open = () => openSqliteStore({ file, sealer, now: () => clock.now, pollMs: 0 })
  const session = newSession({ expiresAt: START + 10 * DAY })
  {
    await using store = await open()
    await store.save(session)
  }
  using database = new DatabaseSync(file)
  database.exec(`
    WITH RECURSIVE each (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM each WHERE n < 100000)
    INSERT INTO session SELECT 's' || n, idp_id, user_id, profile, tokens, issued_at,
      CASE n % 2 WHEN 0 THEN ${START + HOUR} ELSE expires_at END, refresh_at, version, claims_at, askable_until
      FROM session, each;
    INSERT INTO activity SELECT id, issued_at, issued_at, 0 FROM session;`)
  return { clock, session, store: await open() }
}

function assertShort({ longestMs, count }: { readonly longestMs: number; readonly count: number }): void {
  assert.ok(count > 1)
  assert.ok(longestMs < MOST_MS, `a turn took ${Math.round(longestMs)} ms of CPU time`)
}

describe('a hundred thousand sessions', () => {
  it('of which half expire at once hold up nobody', async (t) => {
    const { clock, store } = await crowdedStore(t)
    await using _ = store
    clock.now += HOUR
    const turns = await measureTurns(() => store.sweep())
    assert.equal(turns.result, 50_000)
    assertShort(turns)
  })

  it('hold up nobody when the clock is set back', async (t) => {
    const { clock, store, session } = await crowdedStore(t)
    await using _ = store
    clock.now -= HOUR
    const turns = await measureTurns(() => store.find(session.id))
    assert.equal(turns.result?.expiresAt, session.expiresAt - HOUR)
    assertShort(turns)
  })

  it('that nobody has used are found and ended in turns', async (t) => {
    const { clock, store } = await crowdedStore(t)
    await using _ = store
    clock.now += HOUR / 2
    const turns = await measureTurns(async () => {
      let ended = 0
      for await (const ids of store.idleSince(clock.now - HOUR / 4))
        ended += await store.deleteAll(ids.slice(0, 100))
      return ended
    })
    assert.ok(turns.result > 5000)
    assertShort(turns)
  })
})

describe('a path of a stranger, on a host with three thousand routes whose prefixes have escapes', () => {
  const prefixes = Array.from({ length: 3000 }, (_, index) => `/team%20${index}%3b/%25a/`)
  const config = configOf([...prefixes.map((prefix) => ({ ...STAFF_ROUTE, prefix })), STAFF_ROUTE])
  const routeId = config.routes.at(-1)?.id ?? ''

  for (const path of ['/x%2541;a//b', '/x;y/z', '/a%2520;b//c', `/${'x;y/'.repeat(2000)}`])
    it(`holds nobody up: ${path.slice(0, 20)}`, async () => {
      using world = authorizerFor(config)
      const ask = { path, routeId, headers: { cookie: cookieOf(ALICE) } }
      const costs: number[] = []
      for (let i = 0; i < 12; i++) costs.push((await measureTurns(() => world.ask(ask))).longestMs)
      // The first is slow, as all code is that runs for the first time, and the collector may fall into any
      // one.
      const least = Math.min(...costs)
      assert.ok(least < (2 * MOST_MS) / 3, `a turn took ${Math.round(least)} ms of CPU time`)
    })
})

describe('the dearest headers', () => {
  const SIZE = 46 * 1024
  const fill = (part: string) => part.repeat(Math.floor(SIZE / part.length))
  const dear: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'an Accept of commas': { accept: fill(',') },
    'an Accept of ranges': { accept: fill('a/b;q=0.1,') },
    'an Accept of parameters': { accept: `text/html${fill(';q=1')}` },
    'an Accept of quotes': { accept: `text/html;a="${fill('\\"')}` },
    'cookies of nothing': { cookie: fill(';') },
    'cookies of our name': { cookie: fill('_pomerium=x;') },
    'cookies of our own prefix': { cookie: fill('__Host-sallyport_x=1; ') },
    'a session cookie of one long value': { cookie: `_pomerium=${fill('a')}` },
    'a long bearer token': { authorization: `Bearer ${fill('a')}` },
    'a bearer token of dots': { authorization: `Bearer ${fill('.')}` },
    'an Authorization of blanks': { authorization: fill(' ') },
    'an Authorization of schemes': { authorization: fill('Bearer a, ') },
    'a chain of addresses': { 'x-forwarded-for': fill('1.1.1.1,') },
    'a chain of commas': { 'x-forwarded-for': fill(',') },
    'a chain of certificates': { 'x-forwarded-client-cert': fill('Hash=a;URI=b,') },
    'a chain of quotes': { 'x-forwarded-client-cert': `Cert="${fill('\\"')}` },
    'an Origin': { origin: `https://${fill('a.')}` },
    'a Referer': { referer: `https://app.example.com/${fill('%2e/')}` },
    'a user agent': { 'user-agent': fill('Mozilla/5.0 (') },
    languages: { 'accept-language': fill('de;q=0.5,') },
  }
  const config = configOf([STAFF_ROUTE])
  const inputs = [
    ...Object.entries(dear).map(([name, headers]) => ({ name, ask: { headers } })),
    ...['/a', ';x', '%2e', '/;', '%252f', '/..', '//', '\\', '.', '?'].map((part) => ({
      name: `a path of ${part}`,
      ask: { path: `/${fill(part)}` },
    })),
    { name: 'a path of escapes and a query', ask: { path: `/?${fill('%2f&')}` } },
  ]

  for (const { name, ask } of inputs)
    it(`${name}: hold nobody up`, async () => {
      using world = authorizerFor(config)
      const headers = { ...('headers' in ask ? ask.headers : {}) }
      const plain = await measureTurns(() => world.ask({ headers: { cookie: cookieOf(ALICE) } }))
      assert.ok(plain.result.isAllowed)
      // Code that runs for the first time is slow, whatever it does.
      for (let i = 0; i < 3; i++) await world.bytes({ ...ask, headers })
      const turns = await measureTurns(async () => {
        const { isAllowed } = await world.ask({ ...ask, headers })
        return isAllowed
      })
      assert.equal(turns.result, false, 'nobody who is not signed in gets in by it')
      assertShort(turns)
    })
})

const above = (more: string): string =>
  `  - { from: 'https://new.example.com', to: 'http://127.0.0.1:9'${more} }\n`

describe('a configuration of a thousand routes with long policies', { timeout: 240_000 }, () => {
  const COUNT = 1000
  const criteria = Array.from({ length: 20 }, (_, n) => `            - http_path: { is: /page/${n} }\n`).join(
    '',
  )
  const policy = `    policy:\n      - allow:\n          or:\n${criteria}`
  const textWith = (target: string, first = '') =>
    `insecure_server: true\nroutes:\n${first}  - from: https://first.example.com\n    ${target}\n${policy}${Array.from(
      { length: COUNT },
      (_, n) => `  - from: https://app${n}.example.com\n    to: http://127.0.0.1:9\n${policy}`,
    ).join('')}`
  const edits = [
    { what: 'a good edit', text: textWith('to: http://127.0.0.1:10'), state: 'good' },
    { what: 'a typo', text: textWith('tow: http://127.0.0.1:10'), state: 'refused' },
    {
      what: 'a policy test that fails',
      text: textWith('to: http://127.0.0.1:10', above(', tests: [{ who: anonymous, expect: allow }]')),
      state: 'refused',
    },
    {
      what: 'a route above all others',
      text: textWith('to: http://127.0.0.1:10', above('')),
      state: 'good',
    },
  ] as const

  it('is edited, well and badly, and no turn takes long', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-large-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'config.yaml')
    writeFileSync(file, textWith('to: http://127.0.0.1:9'))
    const { logger } = createLogger({ level: 'error', destination: new PassThrough().resume() })
    await using config = await followConfig(file, logger)
    await using metrics = createMetrics()
    await using xds = await serveXds({
      socketPath: join(folder, 'xds.sock'),
      config,
      certificates: () => [],
      logger,
      meter: metrics.meter,
    })
    const configSeen = () => JSON.stringify([config.status.generation, config.status.lastProblem?.problems])
    for (const { what, text, state } of edits) {
      const before = configSeen()
      writeFileSync(join(folder, 'next'), text)
      const turns = await measureTurns(async () => {
        renameSync(join(folder, 'next'), file)
        await until(() => configSeen() !== before && xds.status().generation === config.status.generation, {
          what,
          withinMs: 60_000,
        })
      })
      assert.equal(config.status.state, state, what)
      assert.ok(turns.longestMs < MOST_MS, `${what}: a turn took ${Math.round(turns.longestMs)} ms`)
    }
    assert.equal(config.current.routes.length, COUNT + 2)
  })
})
