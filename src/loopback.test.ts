import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLoopback } from './loopback.ts'

describe('a loopback host', () => {
  it('is told by name or address alone', () => {
    for (const host of [
      'localhost',
      'LOCALHOST',
      'a.localhost',
      'localhost.',
      '127.0.0.1',
      '127.9.9.9',
      '[::1]',
      '::1',
    ])
      assert.equal(isLoopback(host), true, host)
    for (const host of [
      'example.com',
      'localhost.example.com',
      'notlocalhost',
      '10.0.0.1',
      '[::2]',
      '0.0.0.0',
      '::ffff:10.0.0.1',
      '',
    ])
      assert.equal(isLoopback(host), false, host)
  })
})
