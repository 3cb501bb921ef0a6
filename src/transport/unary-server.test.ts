import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { connect as connectRaw } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { credentials, makeGenericClientConstructor, type ServiceError } from '@grpc/grpc-js'
import { Fault } from '../errors.ts'
import { serveUnary, type UnaryMethod } from './unary-server.ts'

const ECHO = '/test.Echo/Echo'
const MAX = 1 << 20

const directory = mkdtempSync(join(tmpdir(), 'sallyport-unary-'))
const socketPath = join(directory, 'test.sock')
const bugs: unknown[] = []
const late = Promise.withResolvers<Buffer>()

const methods: Record<string, UnaryMethod> = {
  [ECHO]: (message) => message,
  '/test.Echo/Later': async (message) => {
    await new Promise(setImmediate)
    return message
  },
  '/test.Echo/Fault': () => {
    throw new Fault('STORE_UNAVAILABLE', 'secret detail')
  },
  '/test.Echo/Bug': () => {
    throw new TypeError('secret detail')
  },
  '/test.Echo/LateBug': () => Promise.reject(new TypeError('secret detail')),
  '/test.Echo/Held': () => late.promise,
}

/** One message as gRPC frames it. */
function framed(message: Buffer | string, flag = 0): Buffer {
  const body = Buffer.from(message)
  const prefix = Buffer.alloc(5)
  prefix[0] = flag
  prefix.writeUInt32BE(body.length, 1)
  return Buffer.concat([prefix, body])
}

const identity = (bytes: Buffer) => bytes

interface Answer {
  readonly httpStatus: number | undefined
  readonly grpcStatus: string | undefined
  readonly body: Buffer
}

async function settle(stream: ClientHttp2Stream): Promise<Answer> {
  let httpStatus: number | undefined
  let grpcStatus: string | undefined
  const chunks: Buffer[] = []
  stream.on('response', (headers) => {
    httpStatus = headers[':status']
    grpcStatus = headers['grpc-status']?.toString()
  })
  stream.on('trailers', (trailers) => {
    grpcStatus = trailers['grpc-status']?.toString()
  })
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('error', () => {})
  await once(stream, 'close')
  return { httpStatus, grpcStatus, body: Buffer.concat(chunks) }
}

function open(session: ClientHttp2Session, headers: Record<string, string> = {}): ClientHttp2Stream {
  return session.request({
    ':method': 'POST',
    ':path': ECHO,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
}

describe('a unary gRPC server on node:http2', () => {
  let server: AsyncDisposable
  let session: ClientHttp2Session
  before(async () => {
    server = await serveUnary({ socketPath, methods, maxMessageBytes: MAX, onBug: (bug) => bugs.push(bug) })
    session = connect('http://localhost', { createConnection: () => connectRaw(socketPath) })
  })
  after(async () => {
    session.close()
    await server[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true })
  })
  const call = (body: Buffer, headers: Record<string, string> = {}) => {
    const stream = open(session, headers)
    stream.end(body)
    return settle(stream)
  }

  it('answers on a socket that only its owner may open', () => {
    assert.equal(statSync(socketPath).mode & 0o777, 0o600)
  })

  it('echoes bytes with grpc-status 0 in the trailers', async () => {
    const { httpStatus, grpcStatus, body } = await call(framed('hello'))
    assert.deepEqual([httpStatus, grpcStatus], [200, '0'])
    assert.deepEqual(body, framed('hello'))
  })

  it('takes an empty message', async () => {
    assert.deepEqual((await call(framed(''))).body, framed(''))
  })

  it('joins a message that comes in many DATA frames, cut inside its prefix', async () => {
    const stream = open(session)
    const settled = settle(stream)
    const bytes = framed(Buffer.alloc(40_000, 'x'))
    for (const [from, to] of [
      [0, 2],
      [2, 5],
      [5, 17_000],
      [17_000, bytes.length],
    ] as const) {
      stream.write(bytes.subarray(from, to))
      await new Promise(setImmediate)
    }
    stream.end()
    const { grpcStatus, body } = await settled
    assert.equal(grpcStatus, '0')
    assert.deepEqual(body, bytes)
  })

  it('takes a message of the largest size and refuses one byte more as RESOURCE_EXHAUSTED', async () => {
    assert.equal((await call(framed(Buffer.alloc(MAX)))).body.length, MAX + 5)
    assert.equal((await call(framed(Buffer.alloc(MAX + 1)))).grpcStatus, '8')
  })

  it('refuses a prefix that announces more than the limit without waiting for it', async () => {
    const prefix = Buffer.from([0, 0xff, 0xff, 0xff, 0xff])
    assert.equal((await call(prefix)).grpcStatus, '8')
  })

  const malformed: readonly (readonly [string, Buffer, string])[] = [
    ['no message at all', Buffer.alloc(0), '13'],
    ['half a prefix', Buffer.from([0, 0]), '13'],
    ['a message shorter than announced', framed('hello').subarray(0, 8), '13'],
    ['two messages', Buffer.concat([framed('a'), framed('b')]), '13'],
    ['a compressed message', framed('hello', 1), '12'],
    ['a flag byte that does not exist', framed('hello', 7), '12'],
  ]
  for (const [what, body, status] of malformed) {
    it(`refuses ${what} with grpc-status ${status}`, async () => {
      assert.equal((await call(body)).grpcStatus, status)
    })
  }

  it('answers UNIMPLEMENTED for an unknown path, also one like a property of every object', async () => {
    assert.equal((await call(framed(''), { ':path': '/test.Echo/Nope' })).grpcStatus, '12')
    assert.equal((await call(framed(''), { ':path': '/__proto__' })).grpcStatus, '12')
  })

  it('answers HTTP 415 for another content type and 405 for another method', async () => {
    assert.equal((await call(framed(''), { 'content-type': 'application/json' })).httpStatus, 415)
    assert.equal((await call(framed(''), { 'content-type': 'application/grpcx' })).httpStatus, 415)
    assert.equal((await call(framed(''), { ':method': 'PUT' })).httpStatus, 405)
  })

  it('accepts application/grpc+proto', async () => {
    assert.equal((await call(framed(''), { 'content-type': 'application/grpc+proto' })).grpcStatus, '0')
  })

  it('turns a Fault into its gRPC status and a bug into INTERNAL, telling neither detail', async () => {
    assert.equal((await call(framed(''), { ':path': '/test.Echo/Fault' })).grpcStatus, '14')
    assert.equal((await call(framed(''), { ':path': '/test.Echo/Bug' })).grpcStatus, '13')
    assert.equal((await call(framed(''), { ':path': '/test.Echo/LateBug' })).grpcStatus, '13')
    assert.equal(bugs.length, 2)
  })

  it('outlives a call that is reset before its answer is ready', async () => {
    const stream = open(session, { ':path': '/test.Echo/Held' })
    const settled = settle(stream)
    stream.end(framed(''))
    await new Promise(setImmediate)
    stream.close(8)
    await settled
    late.resolve(Buffer.from('too late'))
    assert.equal((await call(framed('still here'))).grpcStatus, '0')
  })

  it('outlives a connection that does not speak HTTP/2', async () => {
    const raw = connectRaw(socketPath)
    raw.on('error', () => {})
    raw.end(`GET / HTTP/1.1\r\n\r\n${'\0'.repeat(100)}`)
    raw.resume()
    await once(raw, 'close')
    assert.equal((await call(framed('still here'))).grpcStatus, '0')
  })

  it('outlives a connection whose preface is followed by garbage', async () => {
    const raw = connectRaw(socketPath)
    raw.on('error', () => {})
    raw.resume()
    raw.end(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(200, 0xff)]))
    await once(raw, 'close')
    assert.equal((await call(framed('still here'))).grpcStatus, '0')
  })

  it('serves a thousand calls at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, n) => call(framed(`call ${n}`), { ':path': '/test.Echo/Later' })),
    )
    assert.ok(answers.every(({ body }, n) => body.equals(framed(`call ${n}`))))
  })

  it('survives thousands of resets, as Envoy makes when downstreams go away', async () => {
    for (let round = 0; round < 30; round++) {
      const streams = Array.from({ length: 100 }, () => open(session))
      await Promise.all(
        streams.map((stream) => {
          const settled = settle(stream)
          stream.close(8)
          return settled
        }),
      )
    }
    assert.equal((await call(framed('still here'))).grpcStatus, '0')
  })

  it('is understood by grpc-js as a client', async () => {
    const Client = makeGenericClientConstructor(
      {
        echo: {
          path: ECHO,
          requestStream: false,
          responseStream: false,
          requestSerialize: identity,
          requestDeserialize: identity,
          responseSerialize: identity,
          responseDeserialize: identity,
        },
      },
      'test.Echo',
    )
    const client = new Client(`unix:${socketPath}`, credentials.createInsecure())
    const reply = await new Promise<Buffer>((resolve, reject) => {
      client['echo']?.(Buffer.from('over grpc-js'), (error: ServiceError | null, bytes: Buffer) =>
        error ? reject(error) : resolve(bytes),
      )
    })
    client.close()
    assert.equal(reply.toString(), 'over grpc-js')
  })
})

describe('closing a unary server', () => {
  it('waits for the call under way and then lets the connection go', async () => {
    const home = mkdtempSync(join(tmpdir(), 'sallyport-unary-'))
    const path = join(home, 'test.sock')
    const gate = Promise.withResolvers<Buffer>()
    const called = Promise.withResolvers<void>()
    const held = () => {
      called.resolve()
      return gate.promise
    }
    const server = await serveUnary({ socketPath: path, methods: { [ECHO]: held }, onBug() {} })
    const session = connect('http://localhost', { createConnection: () => connectRaw(path) })
    const stream = open(session)
    const settled = settle(stream)
    stream.end(framed('x'))
    await called.promise
    const closed = server[Symbol.asyncDispose]()
    gate.resolve(Buffer.from('finished'))
    assert.deepEqual((await settled).body, framed('finished'))
    await closed
    rmSync(home, { recursive: true })
  })

  it('cuts what is still open when the drain time is over', async () => {
    const home = mkdtempSync(join(tmpdir(), 'sallyport-unary-'))
    const path = join(home, 'test.sock')
    const called = Promise.withResolvers<void>()
    const hang = () => {
      called.resolve()
      return new Promise<Buffer>(() => {})
    }
    const server = await serveUnary({ socketPath: path, methods: { [ECHO]: hang }, drainMs: 1, onBug() {} })
    const session = connect('http://localhost', { createConnection: () => connectRaw(path) })
    session.on('error', () => {})
    const stream = open(session)
    const settled = settle(stream)
    stream.end(framed('x'))
    await called.promise
    await server[Symbol.asyncDispose]()
    assert.equal((await settled).grpcStatus, undefined)
    rmSync(home, { recursive: true })
  })
})
