import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Upstream } from '../config.ts'
import { upgradesOf } from './upgrades.ts'

const to = (scheme: Upstream['scheme']) => ({
  to: [{ scheme, host: 'a', port: 80 } as Upstream],
  kubernetes_service_account_token: undefined,
})
const SHARED = { allow_upgrades: ['websocket', 'spdy'] }

describe('upgradesOf', () => {
  it('takes the list of the route over the global one', () => {
    assert.deepEqual(upgradesOf(to('http'), SHARED), ['websocket', 'spdy/3.1'])
    assert.deepEqual(upgradesOf({ ...to('http'), allow_upgrades: [] }, SHARED), [])
    assert.deepEqual(upgradesOf({ ...to('http'), allow_upgrades: ['foo'] }, SHARED), ['foo'])
  })

  it('adds and removes by the keys of single upgrades', () => {
    assert.deepEqual(upgradesOf({ ...to('http'), allow_websockets: true }, {}), ['websocket'])
    assert.deepEqual(upgradesOf({ ...to('http'), allow_websockets: false }, SHARED), ['spdy/3.1'])
  })

  it('has none of the global list where the upstream speaks HTTP/2 only', () => {
    assert.deepEqual(upgradesOf(to('h2c'), SHARED), [])
    assert.deepEqual(upgradesOf(to('https'), SHARED), ['websocket', 'spdy/3.1'])
  })
})
