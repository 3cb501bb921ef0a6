import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { connect as connectRaw, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import { serveGrpc } from './grpc-server.ts'
import { listenUnix } from './unix-socket.ts'

const home = mkdtempSync(join(tmpdir(), 'sallyport-socket-'))
after(() => rmSync(home, { recursive: true }))

const close = (server: { close(done: () => void): void }) =>
  new Promise<void>((resolve) => {
    server.close(resolve)
  })

/**
 * A socket file that nobody answers, as a killed process leaves it: closing another server keeps its name.
 */
async function leaveStaleSocket(path: string): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  const { spawn } = await import('node:child_process')
  const child = spawn(process.execPath, ['-e', script])
  await new Promise((resolve) => {
    child.once('exit', resolve)
  })
}

describe('listening on a Unix socket', () => {
  it('makes the directory 0700 and the socket 0600', async () => {
    const path = join(home, 'run', 'a.sock')
    const server = createServer()
    await listenUnix(server, path)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(statSync(join(home, 'run')).mode & 0o777, 0o700)
    await close(server)
  })

  it('replaces the socket of a process that was killed', async () => {
    const path = join(home, 'stale.sock')
    await leaveStaleSocket(path)
    assert.ok(existsSync(path))
    const server = createServer()
    await listenUnix(server, path)
    await close(server)
  })

  it('refuses a path where another process answers', async () => {
    const path = join(home, 'busy.sock')
    const first = createServer((socket) => socket.destroy())
    await listenUnix(first, path)
    await assert.rejects(listenUnix(createServer(), path), { code: 'PORT_IN_USE' })
    await close(first)
  })

  it('never removes a file that is not a socket', async () => {
    const path = join(home, 'precious.txt')
    writeFileSync(path, 'keep')
    await assert.rejects(listenUnix(createServer(), path), { code: 'STATE_UNUSABLE' })
    assert.ok(existsSync(path))
  })

  it('refuses a path that the system would cut off', async () => {
    await assert.rejects(listenUnix(createServer(), join(home, 'x'.repeat(110))), { code: 'STATE_UNUSABLE' })
  })
})

describe('a grpc-js server on a Unix socket', () => {
  it('listens with mode 0600 and gives the socket back when closed', async () => {
    const path = join(home, 'grpc.sock')
    const server = await serveGrpc({ socketPath: path, services: [] })
    assert.equal(statSync(path).mode & 0o777, 0o600)
    await assert.rejects(serveGrpc({ socketPath: path, services: [] }), { code: 'PORT_IN_USE' })
    await server[Symbol.asyncDispose]()
    const second = new Server()
    await new Promise<void>((resolve, reject) => {
      second.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      )
    })
    second.forceShutdown()
  })

  it('notices a peer that is gone, however suddenly', async () => {
    const path = join(home, 'gone.sock')
    const left = Promise.withResolvers<void>()
    const stream = {
      path: '/test/Stream',
      requestStream: true,
      responseStream: true,
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    }
    const begun = Promise.withResolvers<void>()
    await using server = await serveGrpc({
      socketPath: path,
      services: [
        {
          definition: { stream },
          implementation: {
            stream(call: ServerDuplexStream<Buffer, Buffer>) {
              call.once('data', () => begun.resolve())
              call.once('cancelled', () => left.resolve())
            },
          },
        },
      ],
    })
    const socket = connectRaw(path)
    const session = connect('http://localhost', { createConnection: () => socket })
    session.on('error', () => undefined)
    const request = session.request({
      ':method': 'POST',
      ':path': '/test/Stream',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    request.on('error', () => undefined)
    request.write(Buffer.from([0, 0, 0, 0, 1, 7]))
    await begun.promise
    // What the kernel does for a process that was killed: no word of HTTP/2.
    socket.destroy()
    await left.promise
    assert.ok(server)
  })
})
