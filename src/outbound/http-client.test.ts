import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { openLocalCa } from '../crypto/x509/local-ca.ts'
import { createHttpClient, HttpFailure } from './http-client.ts'

async function listen(t: TestContext, server: Server & { closeAllConnections(): void }): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const serve = (t: TestContext, answer: RequestListener) => listen(t, createServer(answer))

function client(t: TestContext, options = {}) {
  const http = createHttpClient(options)
  t.after(() => http[Symbol.asyncDispose]())
  return http
}

const failure = (message: RegExp) => (error: unknown) =>
  error instanceof HttpFailure && message.test(error.message)

describe('the HTTP client', () => {
  it('finds every name under .localhost on this machine', async (t) => {
    const port = await serve(t, (request, response) => response.end(request.headers.host))
    const http = client(t)
    for (const host of ['127.0.0.1', 'localhost', 'idp.localhost', 'a.b.localhost'])
      assert.equal(await (await http.fetch(`http://${host}:${port}/`)).text(), `${host}:${port}`)
  })
  it('sends forms and gives back status, headers and body', async (t) => {
    const port = await serve(t, (request, response) => {
      response.writeHead(201, {
        'x-seen': `${request.method} ${request.headers['content-type']}`,
        'set-cookie': ['a=1', 'b=2'],
      })
      request.pipe(response)
    })
    const answer = await client(t).fetch(`http://localhost:${port}/`, {
      method: 'POST',
      body: new URLSearchParams({ a: 'ü' }),
    })
    assert.equal(answer.status, 201)
    assert.match(answer.headers.get('x-seen') ?? '', /^POST application\/x-www-form-urlencoded/)
    assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2'])
    assert.equal(await answer.text(), 'a=%C3%BC')
  })
  it('follows no redirect', async (t) => {
    const port = await serve(t, (_, response) =>
      response.writeHead(302, { location: 'https://evil.example.com/' }).end(),
    )
    const answer = await client(t).fetch(`http://localhost:${port}/`)
    assert.equal(answer.status, 302)
    assert.equal(answer.headers.get('location'), 'https://evil.example.com/')
  })
  it('gives answers without a body', async (t) => {
    const port = await serve(t, (_, response) => response.writeHead(204).end())
    assert.equal((await client(t).fetch(`http://localhost:${port}/`)).status, 204)
  })
  it('sends nothing in plain HTTP to other machines', async (t) => {
    const http = client(t)
    for (const host of ['example.com', '10.0.0.1', 'localhost.example.com', '169.254.169.254'])
      await assert.rejects(http.fetch(`http://${host}/`), failure(/plain HTTP is for this machine only/))
  })
  it('sends plain HTTP to one other machine where it is told to, and to that alone', async (t) => {
    const http = client(t, { plainHttpTo: 'metadata.invalid' })
    await assert.rejects(http.fetch('http://metadata.invalid/'), failure(/ENOTFOUND|EAI_AGAIN/))
    for (const host of ['x.metadata.invalid', 'example.com'])
      await assert.rejects(http.fetch(`http://${host}/`), failure(/plain HTTP is for this machine only/))
  })
  it('reads no answer larger than its limit, and waits no longer than its time', async (t) => {
    const large = await serve(t, (_, response) => response.end('x'.repeat(2000)))
    const http = client(t, { maxResponseBytes: 1999, timeoutMs: 200 })
    await assert.rejects(http.fetch(`http://localhost:${large}/`), failure(/larger than 1999 bytes/))
    const silent = await serve(t, (_, response) => void response.write('x'))
    await assert.rejects(http.fetch(`http://localhost:${silent}/`), failure(/no answer within 200 ms/))
  })
  it('says why nothing came', async (t) => {
    const port = await serve(t, (_, response) => response.destroy())
    const http = client(t)
    await assert.rejects(http.fetch(`http://localhost:${port}/x?secret=1`), (error: Error) => {
      assert.match(error.message, /^GET http:\/\/localhost:\d+\/x: /)
      return !error.message.includes('secret')
    })
    await assert.rejects(http.fetch('http://localhost:1/'), failure(/ECONNREFUSED/))
  })
  it("trusts the CAs it is given beside the system's, and says so when one is missing", async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-http-'))
    t.after(() => rmSync(dir, { recursive: true }))
    const ca = await openLocalCa(dir)
    const { cert, key } = await ca.issue(['idp.localhost'])
    const port = await listen(
      t,
      createTlsServer({ cert, key }, (_, response) => response.end('hello')),
    )
    const trusting = client(t, { trustedCa: [ca.certificatePem] })
    assert.equal(await (await trusting.fetch(`https://idp.localhost:${port}/`)).text(), 'hello')
    await assert.rejects(
      client(t).fetch(`https://idp.localhost:${port}/`),
      failure(/certificate is not trusted .* certificate_authority/),
    )
  })
})
