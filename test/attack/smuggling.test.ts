/**
 * Requests whose end is in dispute, and frames that are none: refused, and the connection is over.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import {
  FLAG,
  FRAME,
  frame,
  type HeaderList,
  headerBlock,
  rawHttp1,
  rawHttp2,
  requestFrames,
} from '../harness/raw-http.ts'
import { isRefusal, openTarget } from './target.ts'

const target = await openTarget()
after(() => target[Symbol.asyncDispose]())
const { stack } = target
const { upstream } = stack
const { port } = stack.edge
const tls = { port, servername: 'public.localhost', ca: stack.ca.cert }
const HOST = `host: public.localhost:${port}\r\n`
/**
 * Stands for the second request that only one of two readers would see; each case asks for a path of its own.
 */
const SMUGGLED = `GET /SMUGGLED HTTP/1.1\r\n${HOST}\r\n`

const AMBIGUOUS: readonly (readonly [what: string, request: string])[] = [
  [
    'CL.TE',
    `POST / HTTP/1.1\r\n${HOST}content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  [
    'TE.CL',
    `POST / HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n1\r\nx\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  [
    'TE.TE',
    `POST / HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\ntransfer-encoding: x\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  [
    'an unknown transfer coding',
    `POST / HTTP/1.1\r\n${HOST}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  [
    'chunked not last',
    `POST / HTTP/1.1\r\n${HOST}transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  ['two lengths', `POST / HTTP/1.1\r\n${HOST}content-length: 0\r\ncontent-length: 50\r\n\r\n${SMUGGLED}`],
  ['a list of lengths', `POST / HTTP/1.1\r\n${HOST}content-length: 0, 50\r\n\r\n${SMUGGLED}`],
  ['a signed length', `POST / HTTP/1.1\r\n${HOST}content-length: +0\r\n\r\n${SMUGGLED}`],
  [
    'a hexadecimal chunk size with 0x',
    `POST / HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  [
    'a negative chunk size',
    `POST / HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\n\r\n-1\r\n\r\n${SMUGGLED}`,
  ],
  [
    'a space before the colon',
    `GET / HTTP/1.1\r\n${HOST}transfer-encoding : chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  ['a header without a name', `GET / HTTP/1.1\r\n${HOST}: x\r\n\r\n`],
  ['a NUL in a header', `GET / HTTP/1.1\r\n${HOST}x-nul: a\0b\r\n\r\n`],
  ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ['no request target', `GET HTTP/1.1\r\n${HOST}\r\n`],
  ['an unknown version', `GET / HTTP/9.9\r\n${HOST}\r\n`],
  ['nonsense', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
]

describe('a request whose end is in dispute', { concurrency: 8 }, () => {
  for (const [index, [what, request]] of AMBIGUOUS.entries()) {
    it(`by ${what} is refused and ends the connection: nothing smuggled arrives`, async () => {
      const path = `/smuggled-${index}`
      const answer = await rawHttp1(tls, request.replace('/SMUGGLED', path), {
        untilClosed: true,
        withinMs: 4_000,
      })
      assert.ok(!upstream.requests.some(({ url }) => url === path), answer.text.slice(0, 200))
      assert.ok(
        answer.status === 0 || (answer.status >= 400 && answer.status < 600),
        answer.text.slice(0, 200),
      )
      assert.equal(answer.statuses.length <= 1, true, answer.statuses.join())
      assert.equal(answer.closed, true, 'the connection is over')
    })
  }
})

describe('over HTTP/1.1', () => {
  it('two hosts are refused', async () => {
    upstream.drain()
    const answer = await rawHttp1(tls, `GET / HTTP/1.1\r\n${HOST}host: app.localhost\r\n\r\n`)
    assert.ok(answer.status >= 400 && answer.status < 500, answer.text)
    assert.equal(upstream.drain(), 0)
  })

  it('a folded header is refused or becomes one line, as RFC 9112 §5.2 has it', async () => {
    upstream.drain()
    const answer = await rawHttp1(tls, `GET /folded HTTP/1.1\r\n${HOST}x-folded: a\r\n b: c\r\n\r\n`)
    if (answer.status === 200) {
      assert.match(upstream.requests[0]?.headers['x-folded'] ?? '', /^a +b: c$/)
      assert.equal(upstream.requests[0]?.headers['b'], undefined)
    } else assert.equal(answer.status, 400)
    upstream.drain()
  })

  it('bare line feeds are refused or are ordinary line ends, never something between', async () => {
    upstream.drain()
    const answer = await rawHttp1(tls, `GET /one HTTP/1.1\n${HOST.trim()}\nx-a: b\n\n`, { withinMs: 1_500 })
    const seen = upstream.requests.map(({ url }) => url)
    assert.ok(
      answer.status === 400 || (answer.status === 0 && answer.closed) || seen.join() === '/one',
      `${answer.status} ${seen.join()}`,
    )
    upstream.drain()
  })

  it('a payload that is sent before the 101 of a refused upgrade is not forwarded', async () => {
    upstream.drain()
    const upgrade = `GET /ws HTTP/1.1\r\nhost: app.localhost:${port}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`
    const answer = await rawHttp1({ ...tls, servername: 'app.localhost' }, `${upgrade}${SMUGGLED}`, {
      untilClosed: true,
      withinMs: 1_500,
    })
    assert.notEqual(answer.status, 101)
    assert.equal(upstream.drain(), 0)
  })

  it('CONNECT is refused on each listener', async () => {
    for (const listener of [tls, { port: stack.edge.redirectPort }]) {
      for (const authority of ['127.0.0.1:22', 'app.localhost:443', `public.localhost:${port}`]) {
        upstream.drain()
        const answer = await rawHttp1(
          listener,
          `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`,
          {
            withinMs: 1_500,
          },
        )
        assert.ok(answer.status >= 300 || (answer.status === 0 && answer.closed), answer.text)
        assert.equal(upstream.drain(), 0)
      }
    }
  })

  it('a PROXY protocol line that nobody asked for is refused', async () => {
    upstream.drain()
    const answer = await rawHttp1(
      { port: stack.edge.redirectPort },
      'PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET / HTTP/1.1\r\nhost: app.localhost\r\n\r\n',
      {
        withinMs: 1_500,
      },
    )
    assert.ok(answer.status === 400 || (answer.status === 0 && answer.closed), answer.text)
  })
})

const PSEUDO: HeaderList = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', `public.localhost:${port}`],
  [':path', '/x'],
]
const without = (name: string): HeaderList => PSEUDO.filter(([each]) => each !== name)

const MALFORMED: readonly (readonly [what: string, frames: readonly Buffer[]])[] = [
  ['transfer-encoding', requestFrames([...PSEUDO, ['transfer-encoding', 'chunked']])],
  ['connection', requestFrames([...PSEUDO, ['connection', 'keep-alive']])],
  ['an upper-case name', requestFrames([...PSEUDO, ['X-Upper', '1']])],
  ['a space in :path', requestFrames([...without(':path'), [':path', '/x y']])],
  ['a line break in :path', requestFrames([...without(':path'), [':path', '/x\r\nx-injected: 1']])],
  ['a line break in a value', requestFrames([...PSEUDO, ['x-a', 'b\r\nx-injected: 1']])],
  ['a colon in a name', requestFrames([...PSEUDO, ['x:y', '1']])],
  ['a pseudo-header after a header', requestFrames([...without(':path'), ['x-a', 'b'], [':path', '/x']])],
  ['two :path', requestFrames([...PSEUDO, [':path', '/y']])],
  ['two :authority', requestFrames([...PSEUDO, [':authority', `app.localhost:${port}`]])],
  ['no :path', requestFrames(without(':path'))],
  ['no :method', requestFrames(without(':method'))],
  ['an unknown pseudo-header', requestFrames([...PSEUDO, [':evil', '1']])],
  ['a :path without a slash', requestFrames([...without(':path'), [':path', 'x']])],
  [
    'less data than content-length says',
    [
      frame(
        FRAME.HEADERS,
        FLAG.END_HEADERS,
        1,
        headerBlock([...PSEUDO.slice(1), [':method', 'POST'], ['content-length', '100']]),
      ),
      frame(FRAME.DATA, FLAG.END_STREAM, 1, Buffer.from('short')),
    ],
  ],
  ['headers on stream 0', [frame(FRAME.HEADERS, FLAG.END_STREAM | FLAG.END_HEADERS, 0, headerBlock(PSEUDO))]],
  [
    'a broken header block',
    [
      frame(
        FRAME.HEADERS,
        FLAG.END_STREAM | FLAG.END_HEADERS,
        1,
        Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]),
      ),
    ],
  ],
  ['a continuation of nothing', [frame(FRAME.CONTINUATION, FLAG.END_HEADERS, 1, headerBlock(PSEUDO))]],
]

describe('an HTTP/2 request with', { concurrency: 8 }, () => {
  for (const [what, frames] of MALFORMED) {
    it(`${what} is a stream or connection error or 400, and nothing whole arrives`, async () => {
      const answer = await rawHttp2(tls, frames, { withinMs: 2_000 })
      assert.ok(isRefusal(answer) || answer.status >= 400, JSON.stringify(answer))
      assert.notEqual(answer.status, 200)
      assert.equal(upstream.requests.filter(({ headers }) => 'x-injected' in headers).length, 0)
    })
  }
})

describe('over HTTP/2', () => {
  it('a flood of CONTINUATION frames ends the connection, others are served', async () => {
    const parts = Array.from({ length: 2_000 }, () =>
      frame(FRAME.CONTINUATION, 0, 1, headerBlock([['x-flood', 'y'.repeat(100)]])),
    )
    const answer = await rawHttp2(tls, [
      frame(FRAME.HEADERS, FLAG.END_STREAM, 1, headerBlock(PSEUDO)),
      ...parts,
    ])
    assert.notEqual(answer.status, 200)
    await target.assertAlive()
  })

  it('a rapid reset of many streams ends the connection, others are served', async () => {
    const frames = Array.from({ length: 1_000 }, (_, index) => [
      frame(FRAME.HEADERS, FLAG.END_STREAM | FLAG.END_HEADERS, 2 * index + 1, headerBlock(PSEUDO)),
      frame(FRAME.RST_STREAM, 0, 2 * index + 1, Buffer.from([0, 0, 0, 8])),
    ]).flat()
    await rawHttp2(tls, frames, { withinMs: 2_000 })
    await target.assertAlive()
  })

  it('CONNECT is refused', async () => {
    upstream.drain()
    for (const authority of ['127.0.0.1:22', `public.localhost:${port}`]) {
      const answer = await rawHttp2(
        tls,
        requestFrames([
          [':method', 'CONNECT'],
          [':authority', authority],
        ]),
        { withinMs: 1_500 },
      )
      assert.notEqual(answer.status, 200)
    }
    assert.equal(upstream.drain(), 0)
  })
})

describe('after all this', () => {
  it('the edge is well', async () => await target.assertAlive())
})
