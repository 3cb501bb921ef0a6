import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sitesOf } from './sites.ts'

const route = (host: string, port?: number) => ({ origin: { host, port, wildcard: host.includes('*') } })

const sites = sitesOf({
  settings: {
    authenticate_service_url: 'https://auth.example.com',
    address: { port: 8443 },
    runtime_flags: { match_any_incoming_port: true },
  },
  routes: [
    route('app.example.com'),
    route('other.example.com', 9443),
    route('*.apps.example.com'),
    route('::1'),
  ],
})

describe('targetOf', () => {
  it('passes addresses of our routes and of the authenticate host', () => {
    for (const [text, href] of [
      ['https://app.example.com', 'https://app.example.com/'],
      ['https://app.example.com/x?rd=//evil#part', 'https://app.example.com/x?rd=//evil#part'],
      ['https://APP.Example.COM:443/x', 'https://app.example.com/x'],
      ['https://app.example.com:8443/', 'https://app.example.com:8443/'],
      ['https://other.example.com:9443/', 'https://other.example.com:9443/'],
      ['https://a.b.apps.example.com/', 'https://a.b.apps.example.com/'],
      ['https://auth.example.com/.pomerium/', 'https://auth.example.com/.pomerium/'],
      ['https://app.example.com./x', 'https://app.example.com/x'],
      ['https:app.example.com/', 'https://app.example.com/'],
      ['https:///app.example.com/', 'https://app.example.com/'],
      ['https://[::1]:8443/', 'https://[::1]:8443/'],
    ] as const) {
      assert.equal(sites.targetOf(text)?.href, href, text)
    }
  })

  it('refuses every way in which a return address was ever smuggled out (attack 29)', () => {
    for (const text of [
      '//evil',
      '/\\evil',
      '/\tevil',
      '///evil',
      '/x',
      '',
      'https:evil',
      'https:/evil',
      'https:\\\\evil',
      'https://evil\\@app.example.com',
      'https://app.example.com\\.evil/',
      'https://app.example.com@evil',
      'https://app.example.com:443@evil/',
      'https://user@app.example.com/',
      'https://user:password@app.example.com/',
      'https://app.example.com.evil',
      'https://app.example.com.evil/app.example.com',
      'https://evil/app.example.com',
      'https://evil?https://app.example.com',
      'https://evil#@app.example.com',
      'https://evilapp.example.com/',
      'https://app.example.comevil/',
      'https://apps.example.com/',
      'https://x.apps.example.com.evil/',
      'https://evil/x.apps.example.com',
      'http://app.example.com/',
      'javascript:alert(1)',
      'javascript://app.example.com/%0aalert(1)',
      'data:text/html,x',
      'file://app.example.com/',
      'ftp://app.example.com/',
      'blob:https://app.example.com/x',
      'https://app.example.com/\r\nlocation: https://evil',
      ' https://app.example.com/',
      'https://app.example.com/ x',
      'ht\ntps://evil',
      'https://app\u3002example\u3002com/',
      'https://app\uff0eexample\uff0ecom/',
      'https://\u0430pp.example.com/',
      'https://app.example.com%2eevil/',
      'https://app.example.com%00.evil/',
      'https://app.example.com:9999/',
      'https://app.example.com:99999/',
      'https://other.example.com/',
      'https://auth.example.com:22/',
      `https://app.example.com/${'a'.repeat(9000)}`,
    ]) {
      assert.equal(sites.targetOf(text)?.href, undefined, JSON.stringify(text))
    }
  })
})

describe('siteOf the Host header', () => {
  it('knows a host in every spelling, and both kinds', () => {
    assert.deepEqual(sites.siteOf('APP.Example.com.:8443'), {
      kind: 'app',
      host: 'app.example.com',
      origin: 'https://app.example.com:8443',
    })
    assert.equal(sites.siteOf('app.example.com:443')?.origin, 'https://app.example.com')
    assert.deepEqual(sites.siteOf('auth.example.com'), {
      kind: 'authenticate',
      host: 'auth.example.com',
      origin: 'https://auth.example.com',
    })
    assert.equal(sites.siteOf('[::1]:8443')?.host, '::1')
  })
  it('knows no other host', () => {
    for (const authority of [
      undefined,
      '',
      'evil',
      '127.0.0.1',
      'app.example.com@evil',
      'app.example.com/x',
      'a b',
    ]) {
      assert.equal(sites.siteOf(authority), undefined, String(authority))
    }
  })
})

describe('loginHostOf', () => {
  it('passes hosts of routes with the port that a URL would show', () => {
    assert.equal(sites.loginHostOf('App.example.com:443'), 'app.example.com')
    assert.equal(sites.loginHostOf('other.example.com:9443'), 'other.example.com:9443')
  })
  it('leaves out strangers, wrong ports, and the authenticate host itself', () => {
    for (const host of [
      'evil.example',
      'other.example.com',
      'app.example.com:1',
      'auth.example.com',
      'a/b',
      '',
    ]) {
      assert.equal(sites.loginHostOf(host), undefined, host)
    }
  })
})
