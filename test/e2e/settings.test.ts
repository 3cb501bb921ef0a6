/**
 * Global keys that change what is trusted: authorities, signing keys, the address of the client, plain HTTP.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { request } from '../harness/http-client.ts'
import { PUBLIC, startStack } from '../harness/stack.ts'
import { createTestCa } from '../harness/test-ca.ts'
import { type EchoedRequest, startUpstream } from '../harness/upstream.ts'

const fromLoopback = (action: 'allow' | 'deny') => ({ [action]: { and: [{ source_ip: '127.0.0.0/8' }] } })
const FROM_OFFICE = { policy: { allow: { and: [{ source_ip: '203.0.113.0/24' }] } } } as const
const OFFICE = '203.0.113.7'
const ELSEWHERE = '198.51.100.1'

describe('behind a proxy that is trusted', async () => {
  const inner = await createTestCa('Inner CA')
  const tls = await startUpstream({ tls: await inner.issue({ names: ['inner.example.com'] }) })
  after(() => tls[Symbol.asyncDispose]())
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const stack = await startStack({
    settings: {
      certificate_authority_file: 'inner-ca.pem',
      signing_key_file: 'signing-key.pem',
      xff_num_trusted_hops: 1,
      codec_type: 'http1',
    },
    beforeServe: async ({ folder }) => {
      await writeFile(join(folder, 'inner-ca.pem'), inner.cert)
      await writeFile(join(folder, 'signing-key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    },
    routes: ({ upstream, url }) => [
      { from: url('app', ''), ...FROM_OFFICE, prefix: '/office', to: upstream.url },
      { from: url('app', ''), policy: fromLoopback('allow'), prefix: '/proxy', to: upstream.url },
      {
        from: url('app', ''),
        policy: [{ allow: { and: [{ accept: true }] } }, fromLoopback('deny')],
        prefix: '/no-proxy',
        to: upstream.url,
      },
      { from: url('app', ''), ...PUBLIC, to: tls.url, tls_server_name: 'inner.example.com' },
    ],
  })
  after(() => stack[Symbol.asyncDispose]())
  const get = async (path: string, headers: Record<string, string> = {}) =>
    await request({ url: stack.url('app', path), ca: stack.ca.cert, headers })

  it('takes the address that this proxy saw, and none that the client put before it', async () => {
    const from = async (forwardedFor: string) =>
      (await get('/office', { 'x-forwarded-for': forwardedFor })).status
    assert.equal(await from(OFFICE), 200)
    assert.equal(await from(`${ELSEWHERE}, ${OFFICE}`), 200)
    assert.equal(await from(`${OFFICE}, ${ELSEWHERE}`), 403)
    assert.equal((await get('/office')).status, 403)
    assert.equal(await from(`${OFFICE}:4711`), 200)
  })

  it('takes nobody for the proxy itself, where that does not say whose address it saw', async () => {
    const statuses = async (path: string) => {
      const said = [undefined, 'unknown', `${ELSEWHERE},`, `${ELSEWHERE}, ${OFFICE}:http`]
      return await Promise.all(
        said.map(
          async (text) => (await get(path, text === undefined ? {} : { 'x-forwarded-for': text })).status,
        ),
      )
    }
    for (const path of ['/proxy', '/no-proxy', '/office'])
      assert.deepEqual(await statuses(path), [403, 403, 403, 403], path)
    assert.equal((await get('/no-proxy', { 'x-forwarded-for': OFFICE })).status, 200)
    assert.equal((await get('/proxy', { 'x-forwarded-for': '127.0.0.9' })).status, 200)
  })

  it('trusts upstreams of certificate_authority_file beside those of the system', async () => {
    assert.equal((await get('/tls')).json<EchoedRequest>().servername, 'inner.example.com')
  })

  it('signs with an RSA key, and publishes its public half alone', async () => {
    const jwks = (await get('/.well-known/pomerium/jwks.json')).json<JSONWebKeySet>()
    const { headers } = (await get('/who')).json<EchoedRequest>()
    const { protectedHeader } = await jwtVerify(
      headers['x-pomerium-jwt-assertion'] ?? '',
      createLocalJWKSet(jwks),
    )
    assert.equal(protectedHeader.alg, 'RS256')
    assert.deepEqual(
      jwks.keys.map((key) => Object.keys(key).toSorted()),
      [['alg', 'e', 'kid', 'kty', 'n', 'use']],
    )
  })

  it('speaks no HTTP/2 where codec_type says so', async () => {
    await assert.rejects(request({ url: stack.url('app'), ca: stack.ca.cert, version: '2' }))
  })
})

const proxied = (address: string) => `PROXY TCP4 ${address} 203.0.113.1 1234 443\r\n`

describe('use_proxy_protocol on a listener without TLS', async () => {
  const stack = await startStack({
    settings: {
      insecure_server: true,
      certificates: undefined,
      http_redirect_addr: undefined,
      use_proxy_protocol: true,
      runtime_flags: { match_any_incoming_port: false },
    },
    routes: ({ upstream }) => [{ from: 'https://wiki.localhost', ...FROM_OFFICE, to: upstream.url }],
  })
  after(() => stack[Symbol.asyncDispose]())

  /** The first line of the answer; empty when the connection is ended without one. */
  const answerTo = async (preface: string, host = 'wiki.localhost') =>
    await new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(stack.edge.port, '127.0.0.1', () =>
        socket.write(`${preface}GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
      )
      socket.on('data', (data) => {
        text += data.toString()
      })
      socket.on('error', () => socket.destroy())
      socket.on('close', () => resolve(text.split('\r\n')[0] ?? ''))
    })
  it('judges the address that the preface names', async () => {
    assert.equal(await answerTo(proxied(OFFICE)), 'HTTP/1.1 200 OK')
    assert.equal(await answerTo(proxied(ELSEWHERE)), 'HTTP/1.1 403 Forbidden')
  })

  it('answers nobody without a preface', async () => {
    assert.equal(await answerTo(''), '')
  })

  it('answers on the ports of the scheme alone where match_any_incoming_port is off', async () => {
    assert.equal(await answerTo(proxied(OFFICE), 'wiki.localhost:443'), 'HTTP/1.1 200 OK')
    assert.equal(await answerTo(proxied(OFFICE), 'wiki.localhost:8443'), 'HTTP/1.1 404 Not Found')
  })
})
