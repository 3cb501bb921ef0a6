import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { routeProblems } from '../problems.fixture.ts'
import { parseUpstream } from './upstream.ts'

describe('an upstream in `to`', () => {
  for (const [text, upstream] of [
    ['http://wiki', { scheme: 'http', host: 'wiki', port: 80, path: '', url: 'http://wiki' }],
    [
      'https://Wiki.Internal/',
      { scheme: 'https', host: 'wiki.internal', port: 443, path: '', url: 'https://Wiki.Internal/' },
    ],
    [
      'h2c://grpc:50051/x',
      { scheme: 'h2c', host: 'grpc', port: 50_051, path: '/x', url: 'h2c://grpc:50051/x' },
    ],
    [
      'http://localhost:8080',
      { scheme: 'http', host: '127.0.0.1', port: 8080, path: '', url: 'http://localhost:8080' },
    ],
    [
      'http://[::1]:8080/a/',
      { scheme: 'http', host: '::1', port: 8080, path: '/a/', url: 'http://[::1]:8080/a/' },
    ],
    ['https://a, 10', { scheme: 'https', host: 'a', port: 443, path: '', url: 'https://a', weight: 10 }],
    ['https://a:80', { scheme: 'https', host: 'a', port: 80, path: '', url: 'https://a:80' }],
    [
      'unix:///run/app.sock',
      {
        scheme: 'unix',
        host: '',
        port: 0,
        path: '',
        socketPath: '/run/app.sock',
        url: 'unix:///run/app.sock',
      },
    ],
    [
      'https+unix:///run/app.sock,2',
      {
        scheme: 'https+unix',
        host: '',
        port: 0,
        path: '',
        socketPath: '/run/app.sock',
        url: 'https+unix:///run/app.sock',
        weight: 2,
      },
    ],
  ] as const) {
    it(`${text} is read`, () => assert.deepEqual(parseUpstream(text), { value: upstream }))
  }

  for (const [text, wrong] of [
    ['wiki:8080', '"wiki:8080" is not a URL; write "http://wiki:8080"'],
    ['/wiki', '"/wiki" is not a URL; write "http://host:port"'],
    ['http://', '"http://" is not a URL; write "http://host:port"'],
    ['http://a:99999', 'port 99999 is not between 1 and 65535'],
    ['http://a:0', 'port 0 cannot be reached'],
    ['http://a?b=c', '"http://a?[secret]" may not have a query or a fragment'],
    ['http://me:pw@a', 'a user name or password in the URL is not sent; use set_request_headers'],
    ['tcp://a:1', 'TCP routes are not supported yet; upstreams are http, https, h2c or unix'],
    ['ws://a', 'the scheme "ws" is not one of http, https, h2c, unix, https+unix'],
    ['unix://run/app.sock', 'a Unix socket needs an absolute path: "unix:///run/app.sock"'],
    [`unix:///${'a'.repeat(107)}`, 'the path of a Unix socket may have at most 107 bytes'],
    ['http://a,0', 'the weight "0" is not a whole number from 1 up'],
    ['http://a,1.5', 'the weight "1.5" is not a whole number from 1 up'],
    ['http://a,', 'the weight "" is not a whole number from 1 up'],
    ['http://*.a', '"*.a" is not a host name'],
  ] as const) {
    it(`${text.slice(0, 40)} is refused in words`, () => assert.deepEqual(parseUpstream(text), { wrong }))
  }

  it('stands in a set of one scheme, one path, and all weights or none', () => {
    assert.deepEqual(routeProblems('to: ["https://a,1", https://b]'), [
      'to: either every upstream has a weight or none has',
    ])
    assert.deepEqual(routeProblems('to: [https://a, http://b]'), [
      'to: all upstreams of one route must have one scheme; here are https and http',
    ])
    assert.deepEqual(routeProblems('to: [https://a/x, https://b]'), [
      'to: all upstreams of one route must have one path; here are "/x" and "/"',
    ])
    assert.deepEqual(routeProblems('to: ["https://a,4294967295", "https://b,1"]'), [
      'to: the weights add up to more than 4294967295',
    ])
    assert.deepEqual(routeProblems('to: []'), ['to: must not be an empty list'])
    assert.deepEqual(routeProblems('to: 5'), ['to: must be a URL or a list of URLs'])
  })

  it('that is wrong within a list is shown at its own place', () => {
    assert.deepEqual(routeProblems('to: [https://a, b]'), ['to[1]: "b" is not a URL; write "http://b"'])
  })
})
