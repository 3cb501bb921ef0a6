import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { buildSignInUrl } from '../edge/sign-in-url.ts'
import { Fault, type FaultCode } from '../errors.ts'
import { signUrl, verifySignedUrl } from './signed-url.ts'

const KEY = randomBytes(32)
const NOW = Date.UTC(2026, 10, 23)
const MINUTE = 60_000
const URL_TEXT = 'https://auth.example.com/.pomerium/sign_in?z=1&a=%2F%2Fx+y&b=0#part'
const faultOf = (code: FaultCode) => (error: unknown) => error instanceof Fault && error.code === code

describe('a signed URL', () => {
  const signed = signUrl(URL_TEXT, KEY, NOW)

  it('is accepted as it was made, and with its query in another order', () => {
    verifySignedUrl(signed, KEY, NOW)
    const reordered = new URL(signed)
    reordered.search = [...reordered.searchParams]
      .toReversed()
      .map(([k, v]) => `${k}=${encodeURIComponent(v)}`)
      .join('&')
    verifySignedUrl(reordered.href, KEY, NOW)
  })
  it('says when it was issued and when it ends, in seconds', () => {
    const { searchParams } = new URL(signed)
    assert.equal(searchParams.get('pomerium_issued'), String(NOW / 1000))
    assert.equal(searchParams.get('pomerium_expiry'), String(NOW / 1000 + 300))
  })
  it('drops the fragment, which no server ever sees', () => {
    assert.equal(new URL(signed).hash, '')
  })
  it('replaces an older signature when it is signed again', () => {
    const again = signUrl(signed, KEY, NOW + MINUTE)
    assert.equal(new URL(again).searchParams.getAll('pomerium_signature').length, 1)
    verifySignedUrl(again, KEY, NOW + 6 * MINUTE)
  })
  it('is refused on another host, port, path or scheme, or with any query value changed', () => {
    const changes: ((url: URL) => void)[] = [
      (url) => (url.hostname = 'evil.example.com'),
      (url) => (url.port = '8443'),
      (url) => (url.pathname += '/x'),
      (url) => (url.protocol = 'http:'),
      (url) => (url.username = 'evil'),
      (url) => url.searchParams.set('a', 'other'),
      (url) => url.searchParams.append('c', ''),
      (url) => url.searchParams.delete('z'),
      (url) => url.searchParams.set('pomerium_expiry', '99999999999'),
      (url) => url.searchParams.set('pomerium_signature', ''),
      (url) => url.searchParams.delete('pomerium_signature'),
    ]
    for (const change of changes) {
      const url = new URL(signed)
      change(url)
      assert.throws(() => verifySignedUrl(url, KEY, NOW), faultOf('SIGNED_URL_INVALID'), url.href)
    }
  })
  it('is refused when a signing parameter is doubled', () => {
    for (const name of ['pomerium_issued', 'pomerium_expiry', 'pomerium_signature'])
      assert.throws(() => verifySignedUrl(`${signed}&${name}=1`, KEY, NOW), faultOf('SIGNED_URL_INVALID'))
  })
  it('is refused with another key, and when it is no URL', () => {
    assert.throws(() => verifySignedUrl(signed, randomBytes(32), NOW), faultOf('SIGNED_URL_INVALID'))
    assert.throws(() => verifySignedUrl('/relative', KEY, NOW), faultOf('SIGNED_URL_INVALID'))
  })
  it('lasts five minutes and one of leeway', () => {
    verifySignedUrl(signed, KEY, NOW + 6 * MINUTE)
    assert.throws(() => verifySignedUrl(signed, KEY, NOW + 6 * MINUTE + 1), faultOf('SIGNED_URL_EXPIRED'))
  })
  it('is refused more than a minute before it was issued', () => {
    verifySignedUrl(signed, KEY, NOW - MINUTE)
    assert.throws(() => verifySignedUrl(signed, KEY, NOW - MINUTE - 1), faultOf('SIGNED_URL_INVALID'))
  })
})

describe('the sign-in redirect', () => {
  const parts = {
    authenticateUrl: 'https://auth.example.com:8443',
    redirectUri: 'http://app.example.com:8443/x?y=1',
    idpIds: ['idp1'],
    additionalHosts: ['a.example.com:8443', 'b.example.com:8443'],
    flow: 'f10w',
    key: KEY,
    nowMs: NOW,
  }
  it('is a signed URL with everything the chain needs to know', () => {
    const url = new URL(buildSignInUrl(parts))
    verifySignedUrl(url, KEY, NOW)
    assert.equal(url.origin + url.pathname, 'https://auth.example.com:8443/.pomerium/sign_in')
    assert.equal(url.searchParams.get('pomerium_redirect_uri'), 'https://app.example.com:8443/x?y=1')
    assert.equal(url.searchParams.get('pomerium_idp_id'), 'idp1')
    assert.equal(url.searchParams.get('pomerium_additional_hosts'), 'a.example.com:8443,b.example.com:8443')
    assert.equal(url.searchParams.get('pomerium_flow'), 'f10w')
  })
  it('leaves out what there is none of', () => {
    const url = new URL(buildSignInUrl({ ...parts, additionalHosts: [], flow: undefined }))
    assert.equal(url.searchParams.has('pomerium_additional_hosts'), false)
    assert.equal(url.searchParams.has('pomerium_flow'), false)
  })
})
