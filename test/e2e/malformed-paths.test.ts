/**
 * A path with a NUL is refused, in a response format that fits. One with escapes that are none is passed on
 * as it came, since all its readings are judged. The log has either as it came, not decoded.
 *
 * @module
 */
import assert from 'node:assert/strict'
import http2 from 'node:http2'
import https from 'node:https'
import { after, describe, it } from 'node:test'
import { connectHttp2, type HttpVersion } from '../harness/http-client.ts'
import { PUBLIC, startStack } from '../harness/stack.ts'

const stack = await startStack({
  routes: ({ upstream, url }) => [{ from: url('app', ''), to: upstream.url, ...PUBLIC }],
})
after(() => stack[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly id: string
  readonly text: string
}

/** The path goes out as it stands, which a URL object would not let it. */
async function get(path: string, accept: string, version: HttpVersion): Promise<Answer> {
  const url = new URL(stack.url('app'))
  return await new Promise((resolve, reject) => {
    let text = ''
    const add = (chunk: Buffer) => (text += String(chunk))
    if (version === '2') {
      const session = connectHttp2(url, stack.ca.cert)
      session.once('error', reject)
      const stream = session.request({ ':path': path, ':authority': url.host, accept })
      stream.once('error', reject)
      let status = 0
      let id = ''
      stream.once('response', (headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader) => {
        status = headers[':status'] ?? 0
        id = String(headers['x-request-id'])
      })
      stream.on('data', add)
      stream.once('end', () => {
        session.destroy()
        resolve({ status, id, text })
      })
      return
    }
    const outgoing = https.get(
      {
        host: '127.0.0.1',
        port: url.port,
        servername: url.hostname,
        path,
        headers: { host: url.host, accept },
        ca: stack.ca.cert,
        agent: false,
      },
      (incoming) => {
        incoming.on('data', add)
        incoming.once('end', () =>
          resolve({ status: incoming.statusCode ?? 0, id: String(incoming.headers['x-request-id']), text }),
        )
      },
    )
    outgoing.once('error', reject)
  })
}

/** The path, and whether the app gets it. */
const PATHS: readonly (readonly [string, boolean])[] = [
  ['/a%00b', false],
  ['/%00', false],
  ['/a/%00.txt', false],
  ['/a%zzb', true],
  ['/a%', true],
  ['/a%2', true],
  ['/a%u0041', true],
  ['/a?b=%00', true],
  ['/a?b=%zz', true],
]

describe('a path with odd escapes', () => {
  for (const version of ['1.1', '2'] as const)
    for (const [path, passes] of PATHS)
      it(`over HTTP/${version}: ${path} ${passes ? 'passes' : 'is refused'}`, async () => {
        stack.upstream.drain()
        const answers: Answer[] = []
        for (const accept of ['text/html', 'application/json', '*/*']) {
          const answer = await get(path, accept, version)
          answers.push(answer)
          assert.equal(answer.status, passes ? 200 : 400, accept)
          if (!passes) assert.ok(answer.text.includes(answer.id) && answer.id.length > 30, answer.text)
        }
        assert.ok(stack.upstream.requests.every((each) => each.url === path))
        assert.equal(stack.upstream.drain() > 0, passes)
        const line = await stack.sallyport.waitForLog(
          'the request',
          (each) => each.msg === 'http-request' && each['request-id'] === answers[0]?.id,
        )
        assert.equal(line['path'], path.split('?')[0])
      })
})
