/**
 * TLS to the upstream: whom Envoy trusts, what it shows, and what name it asks for.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import type { Route } from '../harness/sallyport.ts'
import { PUBLIC, startStack } from '../harness/stack.ts'
import { createTestCa, writeKeyPair } from '../harness/test-ca.ts'
import { type EchoedRequest, startUpstream } from '../harness/upstream.ts'

const inner = await createTestCa('Inner CA')
const server = await inner.issue({ names: ['inner.example.com'] })
const tls = await startUpstream({ name: 'tls', tls: server })
after(() => tls[Symbol.asyncDispose]())
const picky = await startUpstream({ name: 'picky', tls: { ...server, clientCa: inner.cert } })
after(() => picky[Symbol.asyncDispose]())
const client = await inner.issue({ names: ['sallyport-client'], client: true })

const stack = await startStack({
  routes: ({ url, folder }) => {
    const trusting = { ...PUBLIC, tls_custom_ca_file: join(folder, 'inner-ca.pem') }
    const named = { ...trusting, tls_upstream_server_name: 'inner.example.com' }
    const route = (prefix: string, rest: Route): Route => ({ from: url('app', ''), prefix, ...rest })
    return [
      route('/trusted', { to: tls.url, ...named }),
      route('/older-name', { to: tls.url, ...trusting, tls_server_name: 'inner.example.com' }),
      route('/inline', {
        ...PUBLIC,
        to: tls.url,
        tls_server_name: 'inner.example.com',
        tls_custom_ca: base64(inner.cert),
      }),
      route('/unknown-ca', { ...PUBLIC, to: tls.url, tls_upstream_server_name: 'inner.example.com' }),
      route('/wrong-name', { to: tls.url, ...trusting, tls_upstream_server_name: 'else.example.com' }),
      route('/unverified', { ...PUBLIC, to: tls.url, tls_skip_verify: true }),
      route('/certified', {
        to: picky.url,
        ...named,
        tls_client_cert_file: join(folder, 'tls', 'client.pem'),
        tls_client_key_file: join(folder, 'tls', 'client-key.pem'),
      }),
      route('/uncertified', { to: picky.url, ...named }),
    ]
  },
  beforeServe: async ({ folder }) => {
    await writeFile(join(folder, 'inner-ca.pem'), inner.cert)
    await writeKeyPair(join(folder, 'tls'), 'client', client)
  },
})
after(() => stack[Symbol.asyncDispose]())

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

const get = async (path: string) => await request({ url: stack.url('app', path), ca: stack.ca.cert })

describe('TLS to the upstream', () => {
  it('trusts the CA of the route, given as a file or inline, and asks for the name of the route', async () => {
    for (const path of ['/trusted', '/older-name', '/inline']) {
      const response = await get(path)
      assert.equal(response.status, 200, path)
      assert.equal(response.json<EchoedRequest>().servername, 'inner.example.com')
    }
  })

  it('refuses an unknown CA and another name, and sends nothing', async () => {
    for (const path of ['/unknown-ca', '/wrong-name']) {
      tls.drain()
      assert.equal((await get(path)).status, 503, path)
      assert.equal(tls.requests.length, 0)
    }
  })

  it('verifies nothing only where the route says so', async () => {
    assert.equal((await get('/unverified')).status, 200)
  })

  it('shows the client certificate of the route', async () => {
    const response = await get('/certified')
    assert.equal(response.json<EchoedRequest>().clientCertificate, 'sallyport-client')
    assert.equal((await get('/uncertified')).status, 503)
  })
})
