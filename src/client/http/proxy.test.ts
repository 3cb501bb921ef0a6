import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { proxyFor } from './proxy.ts'

const HTTPS_PROXY = 'http://proxy.example.net:3128'
const asked = (server: string, env: Readonly<Record<string, string>>): string | undefined =>
  proxyFor(new URL(server), env)?.host

describe('the proxy of the environment', () => {
  it('is asked for https servers', () => {
    assert.equal(asked('https://app.example.com', { HTTPS_PROXY }), 'proxy.example.net:3128')
    assert.equal(asked('https://app.example.com', { https_proxy: 'proxy:1' }), 'proxy:1')
    assert.equal(asked('https://app.example.com', { HTTP_PROXY: HTTPS_PROXY }), undefined)
    assert.equal(asked('https://app.example.com', { HTTPS_PROXY: '' }), undefined)
  })

  it('never sees what is for this machine', () => {
    for (const server of [
      'https://localhost',
      'https://app.localhost:8443',
      'https://127.0.0.1',
      'https://[::1]',
    ])
      assert.equal(asked(server, { HTTPS_PROXY }), undefined, server)
  })

  const ROWS: readonly (readonly [list: string, server: string, isLeftOut: boolean])[] = [
    ['*', 'https://app.example.com', true],
    ['example.com', 'https://example.com', true],
    ['example.com', 'https://app.example.com', true],
    ['example.com', 'https://notexample.com', false],
    ['.example.com', 'https://app.example.com', true],
    ['.example.com', 'https://example.com', false],
    ['*.example.com', 'https://app.example.com', true],
    ['other.test, APP.example.com', 'https://app.example.com', true],
    ['app.example.com:8443', 'https://app.example.com:8443', true],
    ['app.example.com:8443', 'https://app.example.com', false],
    ['app.example.com:443', 'https://app.example.com', true],
    ['10.0.0.0/8', 'https://10.1.2.3', true],
    ['10.0.0.0/8', 'https://11.1.2.3', false],
    ['10.1.2.3', 'https://10.1.2.3:8443', true],
    ['fd00::/8', 'https://[fd12::1]', true],
    ['[fd12::1]:443', 'https://[fd12::1]', true],
    ['10.0.0.0/99', 'https://10.1.2.3', false],
    ['', 'https://app.example.com', false],
  ]
  for (const [list, server, isLeftOut] of ROWS)
    it(`${isLeftOut ? 'is' : 'is not'} passed over for ${server} with NO_PROXY=${list}`, () => {
      assert.equal(asked(server, { HTTPS_PROXY, NO_PROXY: list }) === undefined, isLeftOut)
    })

  it('is refused when it is none, without showing its password', () => {
    for (const text of ['socks5://proxy:1080', 'http://user:secret@', 'ftp://x'])
      assert.throws(
        () => asked('https://app.example.com', { HTTPS_PROXY: text }),
        (error: Error) =>
          /HTTPS_PROXY is not the address/.test(error.message) && !error.message.includes('secret'),
      )
  })
})
