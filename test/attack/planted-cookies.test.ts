/**
 * Cookies of ours in the answers of apps, and the cookies of apps beside ours.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { HeaderList } from '../harness/raw-http.ts'
import { openTarget, VERSIONS } from './target.ts'

const target = await openTarget()
after(() => target[Symbol.asyncDispose]())
const { stack, fire, staff } = target

describe('an app that sets a cookie of ours', () => {
  const OURS = [
    '_pomerium=x; Domain=localhost; Path=/',
    '_POMERIUM=x',
    '__Host-_pomerium=x; Secure; Path=/',
    '__host-_Pomerium=x; Secure; Path=/',
    ' \t__Host-_pomerium =x',
    '=__Host-_pomerium=x; Domain=localhost',
    '= _pomerium=x',
    '__Host-_pomerium',
    '__Host-sallyport_flow=AAAAAAAAAAAAAAAAAAAAAA; Secure; Path=/',
    '__Host-sallyport_rounds=; Max-Age=0; Secure; Path=/',
    '__HOST-SALLYPORT_LOGIN_abc=x',
    '__Host-sallyport_of_days_to_come=x',
  ]
  const THEIRS = ['a=1; Path=/', 'my_pomerium=2', '_pomerium2=3', 'b=_pomerium=4; HttpOnly', 'c="d; e"']
  const query = new URLSearchParams([...OURS, ...THEIRS].map((line) => ['line', line])).toString()

  for (const version of VERSIONS)
    it(`sets all its others, one by one, and none of ours, over HTTP/${version}`, async () => {
      const answer = await stack.agent({ version }).fetch(stack.url('public', `/set-cookie?${query}`))
      assert.equal(answer.status, 200)
      assert.deepEqual(answer.setCookies, THEIRS)
    })

  it('can’t pass for us by a header that marks answers of ours', async () => {
    const line = encodeURIComponent('__Host-_pomerium=x; Secure; Path=/')
    const answer = await stack
      .agent()
      .fetch(stack.url('public', `/set-cookie?line=${line}&header=x-pomerium-intercepted-response:true`))
    assert.deepEqual(answer.setCookies, [])
    assert.equal(answer.headers['x-pomerium-intercepted-response'], undefined)
  })

  it('does not keep us from setting ours', async () => {
    const answer = await stack.agent().fetch(stack.url('app'))
    assert.equal(answer.status, 302)
    assert.match(answer.setCookies.join(), /^__Host-sallyport_flow=/)
  })
})

describe('cookies of an app beside ours', () => {
  for (const version of VERSIONS)
    it(`reach it byte by byte, such as are no UTF-8 too, over HTTP/${version}`, async () => {
      const headers: HeaderList = [['cookie', `a=\xe9\xff%41; ${staff['app']}; b=\xc3\xa9; c=%zz`]]
      const { status, seen } = await fire({ host: 'app', path: '/', headers }, version)
      assert.equal(status, 200)
      assert.equal(seen[0]?.headers['cookie'], 'a=\xe9\xff%41; b=\xc3\xa9; c=%zz')
      assert.ok(!Object.keys(seen[0]?.headers ?? {}).some((name) => name.includes('cookie-bytes')))
    })

  it('can’t be set by the header in which we carry such bytes', async () => {
    const headers: HeaderList = [['x-pomerium-cookie-bytes', 'admin=1']]
    const { seen } = await fire({ host: 'public', path: '/', headers }, '1.1')
    assert.equal(seen[0]?.headers['cookie'], undefined)
    assert.equal(seen[0]?.headers['x-pomerium-cookie-bytes'], undefined)
  })
})
