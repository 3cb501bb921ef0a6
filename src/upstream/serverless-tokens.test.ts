/** Google is played here, by what its documentation says: see serverless-tokens.fixture.ts. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/parse.ts'
import { Fault } from '../errors.ts'
import { createHttpClient } from '../outbound/http-client.ts'
import { type PlayedGoogle, playGoogle } from './serverless-tokens.fixture.ts'
import { openServerlessTokens, type ServerlessToken } from './serverless-tokens.ts'

const AUDIENCE = 'https://app-1234.a.run.app'
const START = Date.UTC(2026, 10, 25, 12)

const KEY = 'google_cloud_serverless_authentication_service_account'

function configOf(account: string | undefined): Config {
  const parsed = parseConfig(JSON.stringify({ routes: [], ...(account !== undefined && { [KEY]: account }) }))
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return parsed.config
}

async function world(account?: (google: PlayedGoogle) => string, metadataHost?: string) {
  const clock = { now: START }
  const stack = new AsyncDisposableStack()
  const google = stack.use(await playGoogle(() => clock.now))
  const listeners = new Set<(config: Config) => void>()
  const config = {
    current: configOf(account?.(google)),
    onGeneration(listener: (config: Config) => void) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
  }
  const http = stack.use(createHttpClient())
  const env = { GCE_METADATA_HOST: metadataHost ?? google.host }
  const tokens = stack.use(openServerlessTokens({ config, http, now: () => clock.now, env }))
  return {
    google,
    clock,
    token: async (audience = AUDIENCE) => await tokens.tokenFor(audience),
    /** Whether it is there without waiting. */
    isAtHand: () => !(tokens.tokenFor(AUDIENCE) instanceof Promise),
    change: (next: string | undefined) => {
      for (const listener of listeners) listener(configOf(next))
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const unavailable = (words: RegExp) => (error: unknown) =>
  error instanceof Fault && error.code === 'SERVERLESS_TOKEN_UNAVAILABLE' && words.test(error.message)

/** Asks again until what was fetched behind the scenes is there. */
async function tokenAfter({ value: old }: ServerlessToken, ask: () => Promise<ServerlessToken>) {
  for (let turn = 0; turn < 400; turn++) {
    const token = await ask()
    if (token.value !== old) return token
    await setTimeout(5)
  }
  return assert.fail('no new token came')
}

describe('a token for a serverless app', () => {
  it('comes from the metadata server of the machine', async () => {
    await using w = await world()
    const { value, expiresAt } = await w.token()
    assert.equal(value.split('.').length, 3)
    assert.equal(expiresAt, START + 3_600_000)
    assert.deepEqual(w.google.asked, [`metadata ${AUDIENCE}`])
  })

  it('comes for a signed statement of the service account, whose key is JSON or base64 of it', async () => {
    for (const form of ['utf8', 'base64'] as const) {
      await using w = await world(({ keyFile }) => Buffer.from(keyFile).toString(form))
      await w.token()
      assert.deepEqual(w.google.asked, [`key ${AUDIENCE}`])
    }
  })

  it('is one for all who ask at the same time, and is kept, each audience with its own', async () => {
    await using w = await world()
    const all = await Promise.all([w.token(), w.token(), w.token('https://other.a.run.app')])
    assert.equal(all[0], all[1])
    assert.notEqual(all[0]?.value, all[2]?.value)
    assert.ok(w.isAtHand())
    await w.token()
    assert.equal(w.google.asked.length, 2)
  })

  it('is renewed behind the scenes five minutes before it ends', async () => {
    await using w = await world()
    const first = await w.token()
    w.clock.now += 3_299_000
    assert.equal(await w.token(), first)
    assert.equal(w.google.asked.length, 1)
    w.clock.now += 2000
    assert.ok(w.isAtHand())
    await tokenAfter(first, w.token)
    assert.equal(w.google.asked.length, 2)
  })

  it('is waited for when the old one has all but ended', async () => {
    await using w = await world()
    const first = await w.token()
    w.clock.now = first.expiresAt - 5000
    assert.equal(w.isAtHand(), false)
    assert.notEqual((await w.token()).value, first.value)
  })

  it('is used while it is good when no new one is to be had, and asked for with growing pauses', async () => {
    await using w = await world()
    const first = await w.token()
    w.google.failure = 503
    w.clock.now = first.expiresAt - 200_000
    for (let n = 0; n < 3; n++) assert.equal(await w.token(), first)
    w.clock.now = first.expiresAt - 5000
    await assert.rejects(w.token(), unavailable(/metadata server answered 503/))
    await assert.rejects(w.token(), unavailable(/503/))
    w.google.failure = undefined
    await assert.rejects(w.token(), unavailable(/503/), 'not before the pause is over')
    w.clock.now += 4000
    assert.notEqual((await w.token()).value, first.value)
  })

  it('is not taken from anybody else, for anybody else, or when it has ended', async () => {
    await using w = await world()
    w.google.isGoogle = false
    await assert.rejects(w.token(), unavailable(/is not Google’s metadata server/))
    w.google.isGoogle = true
    w.google.audience = 'https://other.a.run.app'
    await assert.rejects(w.token('https://a'), unavailable(/for somebody else/))
    w.google.audience = undefined
    w.google.lifetimeSeconds = 1
    await assert.rejects(w.token('https://b'), unavailable(/has expired/))
  })

  it('is not to be had where the metadata server has no name', async () => {
    await using w = await world(undefined, 'no host')
    await assert.rejects(w.token(), unavailable(/GCE_METADATA_HOST/))
  })

  it('is not to be had for a wrong key, and the reason holds no secret', async () => {
    await using w = await world(({ keyFile }) => keyFile.replace('key-1', 'key-2'))
    await assert.rejects(w.token(), (error: unknown) => {
      assert.ok(error instanceof Fault)
      assert.match(error.message, /127\.0\.0\.1:\d+ answered 400/)
      return !error.message.includes('PRIVATE')
    })
  })

  it('is asked for anew when the account changes, and only then', async () => {
    await using w = await world()
    await w.token()
    w.change(undefined)
    assert.ok(w.isAtHand())
    w.change(w.google.keyFile)
    await w.token()
    w.change(w.google.keyFile)
    assert.ok(w.isAtHand())
    assert.deepEqual(w.google.asked, [`metadata ${AUDIENCE}`, `key ${AUDIENCE}`])
  })
})
