import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createTestCa } from '../../../test/harness/test-ca.ts'
import { createHttpClient } from './http-client.ts'
import { readTrust, type TrustOptions } from './trust.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-https-'))
after(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const [ca, otherCa] = [await createTestCa('Company CA'), await createTestCa('Another CA')]
const caFile = file('ca.pem', ca.cert)
const pair = await ca.issue({ names: ['app.localhost', 'app.example.com'] })
const ROOTS = { SSL_CERT_FILE: file('roots.pem', otherCa.cert) }

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => server.close())
  server.on('connection', (socket: Socket) => socket.unref())
  return (server.address() as AddressInfo).port
}

/** An app behind TLS that notes what it is asked. */
async function app(
  {
    status = 200,
    body = 'ok',
    headers = {},
  }: { status?: number; body?: string; headers?: Record<string, string> } = {},
  options: ServerOptions = {},
) {
  const asked: IncomingMessage[] = []
  const server = createServer({ cert: pair.cert, key: pair.key, ...options }, (request, response) => {
    asked.push(request)
    response.writeHead(status, headers)
    response.end(body)
  })
  return { asked, port: await listen(server) }
}

const clientOf = (origin: string, options: TrustOptions = {}, env: Record<string, string> = ROOTS) =>
  createHttpClient({ server: new URL(origin), trust: readTrust(options, env), env })

describe('a server that is asked', () => {
  it('gets the token in the one header that is ours', async () => {
    const { asked, port } = await app()
    const answer = await clientOf(`https://app.localhost:${port}`, { caFile }).get('/a?b', 'a.b.c')
    assert.deepEqual([answer.status, answer.text], [200, 'ok'])
    const [{ url, headers } = assert.fail()] = asked
    assert.deepEqual(
      [url, headers.host, headers.authorization],
      ['/a?b', `app.localhost:${port}`, 'Pomerium a.b.c'],
    )
  })

  it('leads no token elsewhere by a redirect', async () => {
    const elsewhere = await app()
    const location = `https://app.localhost:${elsewhere.port}/`
    const { port } = await app({ status: 302, headers: { location } })
    assert.equal((await clientOf(`https://app.localhost:${port}`, { caFile }).get('/', 'a.b.c')).status, 302)
    assert.equal(elsewhere.asked.length, 0)
  })

  it('may not fill the memory', async () => {
    const { port } = await app({ body: 'x'.repeat(17 * 1024 * 1024) })
    await assert.rejects(clientOf(`https://app.localhost:${port}`, { caFile }).get('/'), {
      code: 'SERVER_ANSWER_INVALID',
    })
  })

  it('is trusted by base64 of a root as well, and by the roots of the environment', async () => {
    const { port } = await app()
    const origin = `https://app.localhost:${port}`
    const caBase64 = Buffer.from(ca.cert).toString('base64')
    assert.equal((await clientOf(origin, { caBase64 }).get('/')).status, 200)
    assert.equal((await clientOf(origin, {}, { SSL_CERT_FILE: caFile }).get('/')).status, 200)
    assert.equal((await clientOf(origin, {}, { ...ROOTS, NODE_EXTRA_CA_CERTS: caFile }).get('/')).status, 200)
  })

  it('is told by its certificate when it is not trusted, and gets nothing', async () => {
    const { asked, port } = await app()
    await assert.rejects(clientOf(`https://app.localhost:${port}`).get('/', 'a.b.c'), {
      code: 'SERVER_UNTRUSTED',
      message:
        /^the certificate of app\.localhost:\d+ is not trusted: .*for "CN=app\.localhost.*issued by "CN=Company CA.*SHA-256 (?:[0-9A-F]{2}:){31}[0-9A-F]{2}\. .*--alternate-ca-path FILE/,
    })
    assert.equal(asked.length, 0)
  })

  it('is not trusted by a certificate for another name', async () => {
    const { asked, port } = await app()
    await assert.rejects(clientOf(`https://other.localhost:${port}`, { caFile }).get('/', 'a.b.c'), {
      code: 'SERVER_UNTRUSTED',
      message: /Check the address/,
    })
    assert.equal(asked.length, 0)
  })

  it('is asked whatever its certificate only where that was said', async () => {
    const { asked, port } = await app()
    const answer = await clientOf(`https://app.localhost:${port}`, { isUnverified: true }).get('/')
    assert.deepEqual([answer.status, asked.length], [200, 1])
  })

  it('gets the certificate of this computer, and says so where it is missing', async () => {
    const { port } = await app({}, { requestCert: true, rejectUnauthorized: true, ca: ca.cert })
    const origin = `https://app.localhost:${port}`
    const mine = await ca.issue({ names: ['alice'], client: true })
    const files = { certificateFile: file('mine.pem', mine.cert), keyFile: file('mine.key', mine.key) }
    assert.equal((await clientOf(origin, { caFile, ...files }).get('/')).status, 200)
    await assert.rejects(clientOf(origin, { caFile }).get('/'), {
      code: 'SERVER_UNREACHABLE',
    })
    const other = await ca.issue({ names: ['bob'] })
    const mixed = { ...files, keyFile: file('other.key', other.key) }
    assert.throws(() => clientOf(origin, mixed), { code: 'CERTIFICATE_UNREADABLE' })
    assert.throws(() => clientOf(origin, { keyFile: files.keyFile }), { code: 'USAGE' })
  })

  it('that is away is told in words', async () => {
    const gone = createHttpServer()
    const port = await listen(gone)
    gone.close()
    await assert.rejects(clientOf(`https://app.localhost:${port}`).get('/'), {
      code: 'SERVER_UNREACHABLE',
      message: /nothing listens at app\.localhost/,
    })
  })
})

describe('roots that are named', () => {
  for (const [what, options] of [
    ['a file that is not there', { caFile: join(folder, 'none.pem') }],
    ['a file without a certificate', { caFile: file('empty.pem', 'hello') }],
    ['a text that is no base64 of one', { caBase64: '%%%' }],
  ] as const)
    it(`are refused: ${what}`, () => {
      assert.throws(() => readTrust(options, ROOTS), { code: 'CERTIFICATE_UNREADABLE' })
    })
})

/** It leads every name to one port. */
async function proxy(port: number, status = 200) {
  const asked: IncomingMessage[] = []
  const server = createHttpServer()
  server.on('connect', (request, client: Socket) => {
    asked.push(request)
    if (status !== 200) return client.end(`HTTP/1.1 ${status} No\r\n\r\n`)
    const upstream = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(client).pipe(upstream)
    })
    upstream.on('error', () => client.destroy())
    client.on('error', () => upstream.destroy())
    return undefined
  })
  return { asked, url: `127.0.0.1:${await listen(server)}` }
}

describe('a proxy', () => {
  it('connects, and sees the name and its own password alone', async () => {
    const { asked, port } = await app()
    const way = await proxy(port)
    const env = { ...ROOTS, HTTPS_PROXY: `http://user:p%40ss@${way.url}` }
    assert.equal((await clientOf('https://app.example.com', { caFile }, env).get('/', 'a.b.c')).text, 'ok')
    const [{ url, headers } = assert.fail()] = way.asked
    assert.equal(url, 'app.example.com:443')
    assert.equal(headers['proxy-authorization'], `Basic ${Buffer.from('user:p@ss').toString('base64')}`)
    assert.equal(headers.authorization, undefined)
    assert.equal(asked[0]?.headers['proxy-authorization'], undefined)
  })

  it('does not make a server trusted', async () => {
    const { asked, port } = await app()
    const env = { ...ROOTS, HTTPS_PROXY: `http://${(await proxy(port)).url}` }
    await assert.rejects(clientOf('https://app.example.com', {}, env).get('/'), {
      code: 'SERVER_UNTRUSTED',
      message: /Company CA/,
    })
    assert.equal(asked.length, 0)
  })

  it('that refuses is told in words, without its password', async () => {
    const { url } = await proxy(0, 407)
    const env = { ...ROOTS, HTTPS_PROXY: `http://user:secret@${url}` }
    await assert.rejects(clientOf('https://app.example.com', {}, env).get('/'), (error: Error) => {
      assert.match(
        error.message,
        /the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) does not connect.*407: it wants a user name/,
      )
      return !error.message.includes('secret')
    })
  })
})
