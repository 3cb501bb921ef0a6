/**
 * Headers that pretend: to be ours, to be another client, to be another request.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { FLAG, FRAME, frame, type HeaderList, headerBlock, rawHttp1, rawHttp2 } from '../harness/raw-http.ts'
import { PUBLIC } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { type EchoedRequest, startUpstream } from '../harness/upstream.ts'
import { assertRefused, openTarget, VERSIONS } from './target.ts'

const h2c = await startUpstream({ h2c: true })
after(() => h2c[Symbol.asyncDispose]())
const target = await openTarget({}, ({ url }) => [{ from: url('grpc', ''), to: h2c.url, ...PUBLIC }])
after(() => target[Symbol.asyncDispose]())
const { stack, fire, staff } = target

const MARK = 'forged-by-the-client'
const OURS = [
  'x-pomerium-jwt-assertion',
  'x-pomerium-jwt-assertion-for',
  'x-pomerium-claim-email',
  'x-pomerium-claim-groups',
  'x-pomerium-claim-whatever',
  'x-pomerium-routing-key',
  'x-forwarded-user',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-username',
  'remote-user',
  'x-remote-user',
  'x-authenticated-userid',
  'x-consumer-groups',
  'impersonate-user',
  'impersonate-extra-scopes',
  'x-ms-token-aad-id-token',
  'client-cert',
]

/** To some servers one name with the hyphen: CGI, WSGI, Rack and PHP make one variable of all. */
const SEPARATORS = ['.', '~', '!', '+', '|', '$']

const HOP = [
  'x-envoy-original-path',
  'x-envoy-internal',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-retry-on',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-external-address',
  'x-envoy-decorator-operation',
  'x-envoy-peer-metadata',
  'x-envoy-force-trace',
  'x-envoy-max-retries',
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-anything-to-come',
]

const holds = (seen: readonly EchoedRequest[]): boolean => JSON.stringify(seen).includes(MARK)
const mixed = (name: string): string => name.replaceAll(/\b\w/g, (letter) => letter.toUpperCase())

describe('identity headers of the client', () => {
  for (const version of VERSIONS) {
    for (const host of ['app', 'public']) {
      const session: HeaderList = host === 'app' ? [['cookie', staff['app'] ?? '']] : []
      for (const name of OURS) {
        it(`${name} at ${host} over HTTP/${version}: as it is, in mixed case, doubled, with underscores`, async () => {
          const forms: HeaderList[] = [
            [[name, MARK]],
            [[mixed(name), MARK]],
            [
              [name, MARK],
              [name, `${MARK}2`],
            ],
            [[name.replaceAll('-', '_'), MARK]],
            SEPARATORS.map((separator) => [name.replaceAll('-', separator), MARK]),
            SEPARATORS.map((separator) => [name.replace('-', separator), MARK]),
            ...(version === '1.1' ? ([[[`${name} `, MARK]]] as HeaderList[]) : []),
          ]
          for (const form of forms) {
            const hit = await fire({ host, path: '/x', headers: [...session, ...form] }, version)
            assert.equal(holds(hit.seen), false, `${form[0]?.[0]} reached the app`)
            if (hit.status !== 200) assertRefused(hit)
          }
        })
      }
    }
  }

  it('are stripped from WebSocket upgrades of a public route', async () => {
    const upgrade: HeaderList = [
      ['connection', 'upgrade'],
      ['upgrade', 'websocket'],
      ['sec-websocket-version', '13'],
      ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ...OURS.map((name) => [name, MARK] as const),
    ]
    const hit = await fire({ host: 'public', path: '/ws', headers: upgrade }, '1.1')
    assert.equal(hit.status, 101)
    assert.equal(hit.seen.length, 1)
    assert.equal(holds(hit.seen), false)
  })
})

describe('trailers of the client', () => {
  const pseudo: HeaderList = [
    [':method', 'POST'],
    [':scheme', 'https'],
    [':authority', `grpc.localhost:${stack.edge.port}`],
    [':path', '/x'],
  ]
  const trailers: HeaderList = [
    ['x-pomerium-jwt-assertion', MARK],
    ['remote-user', MARK],
    ['authorization', MARK],
    ['x-anything', MARK],
  ]

  it('reach no app over HTTP/2, with a body before them and without', async () => {
    const h2 = { port: stack.edge.port, servername: 'grpc.localhost', ca: stack.ca.cert }
    for (const data of [[], [frame(FRAME.DATA, 0, 1, Buffer.from('body'))]]) {
      h2c.drain()
      const answer = await rawHttp2(h2, [
        frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, headerBlock(pseudo)),
        ...data,
        frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, headerBlock(trailers)),
      ])
      assert.equal(answer.status, 200)
      assert.equal(h2c.requests.length, 1)
      assert.ok(!JSON.stringify(h2c.requests).includes(MARK), JSON.stringify(h2c.requests))
      assert.equal(h2c.requests[0]?.body, data.length === 0 ? '' : 'body')
    }
  })

  it('reach no app over HTTP/1.1', async () => {
    const lines = trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    h2c.drain()
    const answer = await rawHttp1(
      { port: stack.edge.port, servername: 'grpc.localhost', ca: stack.ca.cert },
      `POST /x HTTP/1.1\r\nhost: grpc.localhost:${stack.edge.port}\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n${lines}\r\n`,
    )
    assert.equal(answer.status, 200)
    assert.ok(!JSON.stringify(h2c.requests).includes(MARK))
  })
})

describe('headers between proxies', () => {
  for (const version of VERSIONS) {
    it(`of Envoy's own from outside are removed, over HTTP/${version}`, async () => {
      for (const name of HOP) {
        const hit = await fire({ host: 'public', path: '/x', headers: [[name, MARK]] }, version)
        assert.equal(holds(hit.seen), false, name)
      }
    })

    it(`that rename path, host or scheme change nothing, over HTTP/${version}`, async () => {
      const lies: HeaderList = [
        ['x-forwarded-proto', 'http'],
        ['x-forwarded-host', 'evil.example.com'],
        ['x-forwarded-uri', '/public/'],
        ['x-forwarded-prefix', '/public'],
        ['x-original-url', '/public/'],
        ['x-rewrite-url', '/public/'],
        ['x-forwarded-port', '1'],
        ['forwarded', 'host=evil.example.com;proto=http;for=10.0.0.1'],
      ]
      assertRefused(await fire({ host: 'api', path: '/admin', headers: lies }, version))
      const redirect = await fire(
        { host: 'app', path: '/x', headers: [...lies, ['accept', 'text/html']] },
        version,
      )
      assert.ok(!redirect.text.includes('evil.example.com'))
      assert.equal(redirect.bytes, 0)
      const hit = await fire({ host: 'public', path: '/x', headers: lies }, version)
      const [seen] = hit.seen
      assert.equal(seen?.url, '/x')
      assert.equal(seen?.headers['x-forwarded-proto'], 'https')
      assert.ok(!JSON.stringify(seen).includes('evil.example.com'), JSON.stringify(seen?.headers))
    })
  }
})

describe('the address of the client', () => {
  it('is that of the connection, whatever headers say', async () => {
    await using local = await openTarget()
    await local.stack.edit({
      routes: [
        {
          from: local.stack.url('app', ''),
          to: local.stack.upstream.url,
          policy: { allow: { and: [{ source_ip: '10.0.0.0/8' }] } },
        },
        {
          from: local.stack.url('public', ''),
          to: local.stack.upstream.url,
          policy: { allow: { and: [{ source_ip: '127.0.0.0/8' }] } },
        },
      ],
    })
    const lies: HeaderList = [
      ['x-forwarded-for', '10.0.0.1'],
      ['forwarded', 'for=10.0.0.1'],
      ['x-real-ip', '10.0.0.1'],
      ['true-client-ip', '10.0.0.1'],
      ['cf-connecting-ip', '10.0.0.1'],
      ['x-envoy-external-address', '10.0.0.1'],
      ['x-forwarded-for', 'not an address'],
    ]
    await until(async () => (await local.fire({ host: 'app', path: '/x' }, '1.1')).status === 403, {
      what: 'the rule on addresses to apply',
    })
    for (const version of VERSIONS) {
      for (const lie of lies) {
        const hit = await local.fire({ host: 'app', path: '/x', headers: [lie] }, version)
        assertRefused(hit)
        assert.equal((await local.fire({ host: 'public', path: '/x', headers: [lie] }, version)).status, 200)
      }
    }
  })
})

describe('sizes', () => {
  for (const version of VERSIONS) {
    it(`of 60 KB get 431, also over HTTP/2, more is not passed on, and the next request is well, over HTTP/${version}`, async () => {
      const big = await fire({ host: 'app', path: '/x', headers: [['x-big', 'x'.repeat(60_000)]] }, version)
      assertRefused(big)
      assert.equal(big.status, 431)
      const jar = Array.from({ length: 15 }, (_, index) => `c${index}=${'v'.repeat(4000)}`).join('; ')
      const wayOut = await fire(
        { host: 'app', path: '/.pomerium/clear_cookies', headers: [['cookie', jar]] },
        version,
      )
      assert.equal(wayOut.status, 200)
      assert.match(wayOut.text, /Clear the cookies\?/)
      const cookies = Array.from({ length: 200 }, (_, index) => `c${index}=${'v'.repeat(100)}`).join('; ')
      const many = await fire(
        { host: 'app', path: '/x', headers: [['cookie', `${cookies}; ${staff['app']}`]] },
        version,
      )
      assert.ok([200, 431].includes(many.status), String(many.status))
      const huge = await fire(
        { host: 'app', path: '/x', headers: [['x-huge', 'x'.repeat(300_000)]] },
        version,
      )
      assertRefused(huge)
      await target.assertAlive()
    })
  }
})

describe('several credentials', () => {
  it('in doubled cookies are judged by one rule: a good cookie beside a bad one of the same name', async () => {
    const good = staff['app'] ?? ''
    const [name = ''] = good.split('=')
    for (const version of VERSIONS) {
      const first = await fire(
        { host: 'app', path: '/x', headers: [['cookie', `${name}=bad; ${good}`]] },
        version,
      )
      const second = await fire(
        { host: 'app', path: '/x', headers: [['cookie', `${good}; ${name}=bad`]] },
        version,
      )
      const split = await fire(
        {
          host: 'app',
          path: '/x',
          headers: [
            ['cookie', `${name}=bad`],
            ['cookie', good],
          ],
        },
        version,
      )
      for (const hit of [first, second, split]) {
        assert.ok([200, 400, 401].includes(hit.status), String(hit.status))
        assert.ok(
          !JSON.stringify(hit.seen).includes(good.slice(name.length + 1)),
          'the cookie reached the app',
        )
      }
      assert.equal(split.status, first.status)
    }
  })

  it('in an Authorization header for the app go to the app', async () => {
    const hit = await fire(
      {
        host: 'app',
        path: '/x',
        headers: [
          ['cookie', staff['app'] ?? ''],
          ['authorization', 'Bearer of-the-app'],
        ],
      },
      '1.1',
    )
    assert.equal(hit.seen[0]?.headers['authorization'], 'Bearer of-the-app')
  })
})

describe('a method override', () => {
  it('changes nothing in what the policy judges', async () => {
    await using local = await openTarget()
    await local.stack.edit({
      routes: [
        {
          from: local.stack.url('public', ''),
          to: local.stack.upstream.url,
          policy: { allow: { and: [{ http_method: { is: 'GET' } }] } },
        },
      ],
    })
    const shot = { host: 'public', path: '/x', headers: [['x-http-method-override', 'GET']] as HeaderList }
    const post = { ...shot, method: 'POST' }
    await until(async () => (await local.fire(post, '1.1')).status === 403, {
      what: 'the rule on methods to apply',
    })
    for (const version of VERSIONS) {
      const hit = await local.fire(post, version)
      assertRefused(hit)
      assert.equal((await local.fire(shot, version)).status, 200)
    }
  })
})

describe('the decision id', () => {
  it('is made anew whatever the client sends', async () => {
    for (const version of VERSIONS) {
      const hit = await fire({ host: 'public', path: '/x', headers: [['x-request-id', MARK]] }, version)
      assert.equal(holds(hit.seen), false)
      assert.match(hit.seen[0]?.headers['x-request-id'] ?? '', /^[\da-f-]{36}$/)
    }
    assert.ok(stack.sallyport.process.lines.every((line) => !line.includes(MARK)))
  })
})
