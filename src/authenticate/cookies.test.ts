import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  clearedSessionCookie,
  cookieValues,
  handleAudience,
  hostCookie,
  hostOnlyCookie,
  sessionCookie,
} from './cookies.ts'

const settings = { cookie_name: '_pomerium', cookie_http_only: true, cookie_expire: 3_600_000 }

describe('cookieValues', () => {
  it('finds all values of exactly this name', () => {
    const header = 'a=1; _pomerium=x;_pomerium2=y; _pomerium="z"; b_pomerium=w; _pomerium'
    assert.deepEqual(cookieValues(header, '_pomerium'), ['x', 'z'])
    assert.deepEqual(cookieValues(undefined, 'a'), [])
  })
})

describe('hostCookie', () => {
  it('counts two of one name, or a strange value, as none', () => {
    assert.equal(hostCookie('__Host-a=x', '__Host-a'), 'x')
    assert.equal(hostCookie('__Host-a=x; __Host-a=y', '__Host-a'), undefined)
    assert.equal(hostCookie('__Host-a=x y', '__Host-a'), undefined)
    assert.equal(hostCookie(`__Host-a=${'x'.repeat(65)}`, '__Host-a'), undefined)
  })
})

describe('the session cookie', () => {
  it('has every attribute that is configured, Secure always', () => {
    assert.equal(
      sessionCookie('v', 'app.test', settings),
      '_pomerium=v; Path=/; Max-Age=3600; Secure; HttpOnly',
    )
    assert.equal(
      sessionCookie('v', 'a.app.test', {
        ...settings,
        cookie_domain: 'app.test',
        cookie_same_site: 'lax',
        cookie_http_only: false,
      }),
      '_pomerium=v; Path=/; Max-Age=3600; Domain=app.test; Secure; SameSite=Lax',
    )
    assert.match(clearedSessionCookie('app.test', settings), /^_pomerium=; Path=\/; Max-Age=0; Secure/)
  })
  it('stays with its host where the domain does not hold it', () => {
    const shared = { ...settings, cookie_domain: '.app.test' }
    assert.equal(handleAudience('a.app.test', shared), 'app.test')
    assert.equal(handleAudience('evilapp.test', shared), 'evilapp.test')
    assert.doesNotMatch(sessionCookie('v', 'evilapp.test', shared), /Domain/)
  })
})

describe('hostOnlyCookie', () => {
  it('meets what browsers ask of a __Host- cookie', () => {
    assert.equal(
      hostOnlyCookie('__Host-a', 'v', 60),
      '__Host-a=v; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax',
    )
  })
})
