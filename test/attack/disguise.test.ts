/**
 * Things in disguise: session cookies under odd spellings, headers that a hop is told to drop, and paths that
 * pass for one of our own, which Envoy lets through without a check.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { HeaderList } from '../harness/raw-http.ts'
import { assertRefused, openTarget, VERSIONS } from './target.ts'

const target = await openTarget({ grpc_client_timeout: '1s' })
after(() => target[Symbol.asyncDispose]())
const { fire, staff, stack } = target

const cookie = staff['app'] ?? ''
const handle = /_pomerium=([^;]+)/.exec(cookie)?.[1] ?? ''

/** Each says who alice is in a way that her browser, a proxy or an old client may use. */
const SPELLINGS: readonly (readonly [what: string, headers: HeaderList])[] = [
  [
    'blanks and tabs around the name',
    [['cookie', `a=1; __Host-_pomerium =${handle}; b=2;\t__Host-_pomerium\t=\t${handle}`]],
  ],
  ['another case', [['cookie', `a=1; __HOST-_POMERIUM=${handle}`]]],
  ['the name without its prefix', [['cookie', `a=1; _pomerium=${handle}`]]],
  ['a name that it had before', [['cookie', `a=1; _old=${handle}`]]],
  ['no name', [['cookie', `a=1; =__Host-_pomerium=${handle}; =${handle}`]]],
  ['quotes', [['cookie', `__Host-_pomerium="${handle}"; a=1`]]],
  ['no blank after the separator', [['cookie', `a=1;__Host-_pomerium=${handle};b=2`]]],
  ['a comma for a separator', [['cookie', `a=1,__Host-_pomerium=${handle},b=2`]]],
  [
    'a line each',
    [
      ['cookie', 'a=1'],
      ['cookie', cookie],
      ['cookie', `__Host-_pomerium=${handle}`],
    ],
  ],
]

describe('the session cookie', () => {
  assert.notEqual(handle, '')
  for (const version of VERSIONS) {
    for (const [what, headers] of SPELLINGS) {
      it(`with ${what} does not reach the app, over HTTP/${version}`, async () => {
        const hit = await fire({ host: 'app', path: '/', headers }, version)
        assert.ok(hit.status === 200 || hit.bytes === 0, `status ${hit.status}`)
        assert.ok(!JSON.stringify(hit.seen).includes(handle))
      })
    }
  }
})

describe('a header that is named in Connection', () => {
  for (const name of ['x-pomerium-jwt-assertion', 'x-request-id', 'x-forwarded-proto', 'te']) {
    it(`is not taken from the app: ${name}`, async () => {
      const headers: HeaderList = [
        ['cookie', cookie],
        ['connection', name],
      ]
      const { status, bytes, seen } = await fire({ host: 'app', path: '/', headers }, '1.1')
      if (bytes === 0) return assert.equal(status, 400)
      assert.ok(seen[0]?.headers['x-pomerium-jwt-assertion']?.startsWith('ey'))
      assert.ok(seen[0]?.headers['x-request-id'])
    })
  }

  it('cannot make the app see a request without its check: cookie', async () => {
    const headers: HeaderList = [
      ['cookie', cookie],
      ['connection', 'cookie'],
    ]
    assertRefused(await fire({ host: 'app', path: '/', headers }, '1.1'))
  })
})

describe('a path that looks like one of our own', () => {
  const paths = [
    '/.pomerium/../admin',
    '/.pomerium/x/../../admin',
    '//.pomerium//..//admin',
    '/.pomerium/%2e%2e/admin',
    '/.pomerium/..%2fadmin',
    '/.pomerium%2f..%2fadmin',
    '/.pomerium\\..\\admin',
    '/.pomerium/..;/admin',
    '/.pomerium;/../admin',
    '/.pomeriumx',
    '/.POMERIUM/',
    '/.well-known/pomerium/../admin',
    '/.well-known/pomerium/..%5c..%5cadmin',
    '/.well-known/pomeriumx',
  ]
  for (const version of VERSIONS) {
    for (const path of paths) {
      it(`${path} opens nothing to a stranger, over HTTP/${version}`, async () => {
        assertRefused(await fire({ host: 'app', path }, version))
      })
    }
  }
})

describe('an authorizer that has stopped', () => {
  it('is answered for with 503, and what waited is not passed on when it wakes', async () => {
    const { pid } = stack.sallyport.process
    const headers: HeaderList = [['cookie', cookie]]
    process.kill(pid, 'SIGSTOP')
    try {
      const hit = await fire({ host: 'app', path: '/while-stopped', headers }, '1.1')
      assert.equal(hit.status, 503)
      assert.equal(hit.bytes, 0)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    const { status, seen } = await fire({ host: 'app', path: '/awake', headers }, '1.1')
    assert.equal(status, 200)
    assert.deepEqual(
      seen.map(({ url }) => url),
      ['/awake'],
    )
  })
})
