import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseOrigin } from './origin.ts'

describe('the origin in `from`', () => {
  for (const [text, origin] of [
    [
      'https://App.Example.com',
      { scheme: 'https', host: 'app.example.com', port: undefined, wildcard: false },
    ],
    [
      'https://app.example.com:443/',
      { scheme: 'https', host: 'app.example.com', port: 443, wildcard: false },
    ],
    ['http://app:8080', { scheme: 'http', host: 'app', port: 8080, wildcard: false }],
    [
      'https://*.apps.example.com',
      { scheme: 'https', host: '*.apps.example.com', port: undefined, wildcard: true },
    ],
    [
      'https://app-*-x.example.com',
      { scheme: 'https', host: 'app-*-x.example.com', port: undefined, wildcard: true },
    ],
    ['https://*', { scheme: 'https', host: '*', port: undefined, wildcard: true }],
    [
      'https://bücher.example',
      { scheme: 'https', host: 'xn--bcher-kva.example', port: undefined, wildcard: false },
    ],
    ['https://[::1]:8443', { scheme: 'https', host: '::1', port: 8443, wildcard: false }],
    ['https://10.0.0.1', { scheme: 'https', host: '10.0.0.1', port: undefined, wildcard: false }],
    [
      'https://app.example.com.',
      { scheme: 'https', host: 'app.example.com', port: undefined, wildcard: false },
    ],
  ] as const) {
    it(`${text} is read`, () => assert.deepEqual(parseOrigin(text), origin))
  }

  for (const [text, wrong] of [
    ['wiki.example.com', '"wiki.example.com" is not a URL; write "https://wiki.example.com"'],
    ['/wiki', '"/wiki" is not a URL; write "https://app.example.com"'],
    ['https://', 'names no host'],
    ['https://app.example.com/foo', '`from` may not have a path; put "/foo" into `prefix` or `path`'],
    ['https://app.example.com?a=b', 'a query or a fragment in `from` has no meaning'],
    ['https://me@app.example.com', 'a user name in `from` has no meaning'],
    ['ftp://app.example.com', 'the scheme must be https, not "ftp"'],
    [
      'tcp+https://db.example.com:5432',
      'TCP routes (tcp+https://) are not supported yet; use https:// for an HTTP app',
    ],
    [
      'udp+https://dns.example.com:53',
      'UDP routes (udp+https://) are not supported yet; use https:// for an HTTP app',
    ],
    ['ssh://box', 'SSH routes (ssh://) are not supported yet; use https:// for an HTTP app'],
    ['https://app.example.com:0', 'port "0" is not between 1 and 65535'],
    ['https://app.example.com:99999', 'port "99999" is not between 1 and 65535'],
    ['https://app.example.com:', 'port "" is not between 1 and 65535'],
    ['https://a b.example.com', '"a b.example.com" is not a host name'],
    ['https://-a.example.com', '"-a.example.com" is not a host name'],
    ['https://a..b', '"a..b" is not a host name'],
    [`https://${'a'.repeat(64)}.example.com`, `"${'a'.repeat(64)}.example.com" is not a host name`],
  ] as const) {
    it(`${text.slice(0, 50)} is refused in words`, () => assert.deepEqual(parseOrigin(text), { wrong }))
  }
})
