import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hintsOf } from './hints.ts'
import { parseConfig } from './parse.ts'

const PUBLIC = 'allow_public_unauthenticated_access: true'

function hintsFor(
  route: readonly string[],
  settings: readonly string[] = [],
  from = 'https://a.example.com',
): readonly string[] {
  const lines = ['routes:', `  - from: ${from}`, ...[PUBLIC, ...route].map((line) => `    ${line}`)]
  const parsed = parseConfig([...settings, ...lines, ''].join('\n'))
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return hintsOf(parsed.config)
}

describe('hints', () => {
  it('remind of the Host header where WebSockets are let through', () => {
    for (const key of ['allow_websockets: true', 'allow_upgrades: [websocket]'])
      assert.match(
        hintsFor(['to: http://a', key]).join(),
        /:2: lets WebSockets through without `preserve_host_header/,
      )
    for (const kept of ['preserve_host_header: true', 'host_rewrite: b'])
      assert.deepEqual(hintsFor(['to: http://a', 'allow_websockets: true', kept]), [])
    assert.deepEqual(hintsFor(['to: http://a']), [])
  })

  it('tell where a limit of all uploads contradicts the time of a route', () => {
    const limit = ['timeout_read: 30s']
    assert.match(hintsFor(['to: http://a', 'timeout: 0s'], limit).join(), /timeout_read` of 30s/)
    assert.match(hintsFor(['to: http://a', 'timeout: 1m'], limit).join(), /timeout_read` of 30s/)
    assert.deepEqual(hintsFor(['to: http://a', 'timeout: 10s'], limit), [])
    assert.deepEqual(hintsFor(['to: http://a', 'timeout: 0s']), [])
  })

  it('name the routes that a global list of upgrades does not reach', () => {
    const upgrades = ['allow_upgrades: [websocket]']
    assert.match(hintsFor(['to: h2c://a'], upgrades).join(), /does not have the global `allow_upgrades`/)
    assert.deepEqual(hintsFor(['to: h2c://a', 'allow_upgrades: []'], upgrades), [])
    assert.deepEqual(hintsFor(['to: http://a'], upgrades), [])
    assert.deepEqual(hintsFor(['response: { status: 200, body: x }'], upgrades), [])
  })

  it('tell where plain HTTP is written and https is served', () => {
    assert.match(hintsFor(['to: http://a'], [], 'http://a.example.com').join(), /:2: has `from: http:\/\/`/)
    assert.deepEqual(hintsFor(['to: http://a'], ['insecure_server: true'], 'http://a.example.com'), [])
  })
})
