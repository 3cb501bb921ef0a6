import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { it } from 'node:test'
import { createTestCa } from '../../test/harness/test-ca.ts'
import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/parse.ts'
import { followHttpClient } from './current-http-client.ts'

const configOf = (settings: object): Config => {
  const parsed = parseConfig(JSON.stringify({ ...settings, routes: [] }))
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return parsed.config
}

it('the HTTP client trusts a certificate authority as soon as the configuration names it, and no longer', async (t) => {
  const ca = await createTestCa()
  const { cert, key } = await ca.issue({ names: ['localhost'] })
  const server = createServer({ cert, key }, (_, response) => response.end('hello')).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const url = `https://localhost:${(server.address() as AddressInfo).port}/`

  let current = configOf({})
  const listeners = new Set<(config: Config) => void>()
  const change = (next: Config) => {
    current = next
    for (const listener of listeners) listener(next)
  }
  await using client = followHttpClient({
    config: {
      get current() {
        return current
      },
      onGeneration(listener) {
        listeners.add(listener)
        return { [Symbol.dispose]: () => void listeners.delete(listener) }
      },
    },
  })
  await assert.rejects(client.fetch(url), /is not trusted/)
  change(configOf({ certificate_authority: ca.cert }))
  assert.equal(await (await client.fetch(url)).text(), 'hello')
  change(configOf({}))
  await assert.rejects(client.fetch(url), /is not trusted/)
})
