import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sessionCookieAt } from '../edge/session-cookie.ts'
import { cookieValues, hostCookie, hostOnlyCookie, loginCookies, writeSessionCookie } from './cookies.ts'

const settings = { cookie_http_only: true, cookie_same_site: 'lax' } as const

describe('cookieValues', () => {
  it('finds all values of exactly this name', () => {
    const header = 'a=1; _pomerium=x;_pomerium2=y; _pomerium="z"; b_pomerium=w; _pomerium'
    assert.deepEqual(cookieValues(header, '_pomerium'), ['x', 'z'])
    assert.deepEqual(cookieValues(undefined, 'a'), [])
  })
})

/** By which a neighbour on the domain gets a guarded name past a browser, or has tried to. */
const IN_DISGUISE = (name: string): readonly string[] => [
  `\u00a0${name}`,
  `\u0085${name}`,
  `\u00e2\u0080\u0080${name}`,
  `\ufeff${name}`,
  `${name}\u00a0`,
  `\u000b${name}`,
  `\u000c${name}`,
  `a=1,${name}`,
  `a=1, ${name}`,
  `$Version=1,${name}`,
  `a="1, ${name}`,
  `=${name}`,
  name.toLowerCase(),
  name.toUpperCase(),
]

describe('a cookie that is called otherwise in the eyes of a browser', () => {
  it('is not read', () => {
    const login = '__Host-sallyport_login_abc'
    for (const name of IN_DISGUISE('__Host-_pomerium'))
      assert.deepEqual(cookieValues(`x=y; ${name}=planted`, '__Host-_pomerium'), [], name)
    for (const name of IN_DISGUISE('__Host-a'))
      assert.equal(hostCookie(`__Host-a=real; ${name}=planted`, '__Host-a'), 'real', name)
    for (const name of IN_DISGUISE(login))
      assert.deepEqual(loginCookies(`${name}=planted; ${login}=real`), [{ name: login, value: 'real' }], name)
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

const at = (host: string, cookie_domain?: string, kind: 'app' | 'authenticate' = 'app') =>
  sessionCookieAt(host, { cookie_name: '_pomerium', cookie_domain }, kind)

describe('the session cookie', () => {
  it('is one that no other host can set, with every attribute that is configured, Secure always', () => {
    assert.equal(
      writeSessionCookie(at('app.test'), 'v', settings, 3600),
      '__Host-_pomerium=v; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax',
    )
    const open = { cookie_same_site: 'none', cookie_http_only: false } as const
    assert.equal(
      writeSessionCookie(at('a.app.test', 'app.test'), 'v', open, 0),
      '_pomerium=v; Path=/; Max-Age=0; Domain=app.test; Secure; SameSite=None',
    )
  })

  it('stays with its host where the domain does not hold it, and on the authenticate host always', () => {
    assert.deepEqual(at('a.app.test', '.app.test'), {
      cookieName: '_pomerium',
      audience: 'app.test',
      domain: 'app.test',
    })
    for (const own of [at('evilapp.test', 'app.test'), at('auth.app.test', 'app.test', 'authenticate')]) {
      assert.equal(own.domain, undefined)
      assert.equal(own.cookieName, '__Host-_pomerium')
      assert.notEqual(own.audience, 'app.test')
    }
  })

  it('has the prefix once', () => {
    assert.equal(sessionCookieAt('a.test', { cookie_name: '__Host-s' }, 'app').cookieName, '__Host-s')
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
