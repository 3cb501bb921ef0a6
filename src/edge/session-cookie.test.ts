import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { endedBeside, sessionCookieAt } from './session-cookie.ts'

const SHARED = { cookie_name: '_pomerium', cookie_domain: 'example.com' }
const endedAt = (host: string, path: string): readonly string[] =>
  endedBeside(sessionCookieAt(host, SHARED, 'app'), host, path)
const placesOf = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => `${/Domain=([^;]+)/.exec(line)?.[1] ?? '-'} ${/Path=([^;]+)/.exec(line)?.[1] ?? ''}`)

describe('cookies that may stand beside ours', () => {
  it('are ended at each domain and path from which they come with the request, ours excepted', () => {
    assert.deepEqual(placesOf(endedAt('app.example.com', '/a/b')).toSorted(), [
      '- /',
      '- /a',
      '- /a/',
      '- /a/b',
      'app.example.com /',
      'app.example.com /a',
      'app.example.com /a/',
      'app.example.com /a/b',
      'example.com /a',
      'example.com /a/',
      'example.com /a/b',
    ])
  })

  it('are ended above the domain too, and with a slash at the end of the path', () => {
    const host = 'app.corp.example.com'
    const cookie = sessionCookieAt(host, { ...SHARED, cookie_domain: 'corp.example.com' }, 'app')
    const places = placesOf(endedBeside(cookie, host, '/x/'))
    assert.ok(places.includes('example.com /'))
    assert.ok(places.includes('corp.example.com /x/'))
    assert.ok(!places.includes('corp.example.com /'))
  })

  it('are none where the cookie is the host’s alone', () => {
    const cookie = sessionCookieAt('app.example.com', { cookie_name: '_pomerium' }, 'app')
    assert.deepEqual(endedBeside(cookie, 'app.example.com', '/a'), [])
  })

  it('put nothing of a path into the line that would be an attribute or a header', () => {
    for (const path of ['/a;Domain=evil.com/b', '/a b', '/a\r\nx: y', '/a,b', '/a"b', '/é'])
      assert.deepEqual(placesOf(endedAt('app.example.com', path)), ['- /', 'app.example.com /'], path)
  })

  it('are bounded, however deep the path and the host', () => {
    const lines = endedAt(`${'a.'.repeat(60)}example.com`, '/x'.repeat(500))
    assert.ok(lines.length < 200, String(lines.length))
  })
})
