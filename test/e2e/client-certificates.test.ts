/**
 * Clients that show a certificate in the TLS handshake, and those that should, in each of the three ways to
 * deal with them.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { after, describe, it } from 'node:test'
import type { HttpVersion } from '../harness/http-client.ts'
import {
  ask,
  CLIENTS,
  type ClientName,
  INVALID,
  type Shot,
  startMutualTls,
  VALID,
} from '../harness/mutual-tls.ts'
import type { EchoedRequest } from '../harness/upstream.ts'
import { ask as askWebSocket, openWebSocket } from '../harness/web-socket.ts'

const VERSIONS: readonly HttpVersion[] = ['1.1', '2']
const FORGED = { 'x-forwarded-client-cert': `Hash=00;Chain="${encodeURIComponent(CLIENTS.good.cert)}"` }
const PAGE = { accept: 'text/html' }

async function startedWith(keys: object) {
  const stack = await startMutualTls(keys)
  after(() => stack[Symbol.asyncDispose]())
  return {
    stack,
    get: async (host: string, client: ClientName | undefined, shot: Shot = {}) =>
      await ask(stack, host, client, shot),
    /** The status and the word for programs, with proof that nothing reached the app. */
    refusal: async (host: string, client: ClientName | undefined, shot: Shot = {}) => {
      stack.upstream.drain()
      const answer = await ask(stack, host, client, shot)
      assert.equal(stack.upstream.drain(), 0)
      return [answer.status, answer.json<{ readonly error: string }>().error]
    },
    openSocket: async (host: string, client: ClientName | undefined) =>
      await openWebSocket({
        url: stack.url(host, '/ws'),
        ca: stack.ca.cert,
        ...(client === undefined ? {} : { client: { cert: CLIENTS[client].cert, key: CLIENTS[client].key } }),
      }),
  }
}

describe('policy_with_default_deny', async () => {
  const { stack, get, refusal, openSocket } = await startedWith({})

  for (const version of VERSIONS) {
    for (const client of VALID) {
      it(`lets through a certificate: ${client}, over HTTP/${version}`, async () => {
        assert.equal((await get('public', client, { version })).status, 200)
      })
    }
    for (const client of INVALID) {
      it(`refuses a certificate ${client}, over HTTP/${version}`, async () => {
        const invalid = [495, 'invalid_client_certificate']
        assert.deepEqual(await refusal('public', client, { version }), invalid)
        assert.deepEqual(await refusal('public', client, { version, headers: FORGED }), invalid)
      })
    }

    it(`refuses a client that shows none, over HTTP/${version}, whatever headers it sends`, async () => {
      const required = [495, 'client_certificate_required']
      assert.deepEqual(await refusal('public', undefined, { version }), required)
      assert.deepEqual(await refusal('public', undefined, { version, headers: FORGED }), required)
    })

    it(`tells the app what its route wants told, and nothing else, over HTTP/${version}`, async () => {
      const { headers } = (await get('public', 'good', { version, headers: FORGED })).json<EchoedRequest>()
      const der = new X509Certificate(CLIENTS.good.cert).raw
      assert.equal(headers['x-cert'], createHash('sha256').update(der).digest('hex'))
      assert.equal(headers['x-dns'], 'ci.example.com')
      assert.equal(headers['x-email'], 'ci@example.com')
      assert.ok(!('x-forwarded-client-cert' in headers))
    })
  }

  it('refuses before it asks anybody to sign in', async () => {
    const refused = await get('app', undefined, { headers: PAGE })
    assert.equal(refused.status, 495)
    assert.match(refused.text, /A client certificate is needed/)
    assert.equal((await get('app', 'good', { headers: PAGE })).status, 302)
  })

  it('leaves its own pages open', async () => {
    assert.equal((await get('authenticate', undefined, { path: '/.well-known/pomerium' })).status, 200)
    assert.equal((await get('app', 'expired', { path: '/.well-known/pomerium/jwks.json' })).status, 200)
  })

  it('holds for WebSockets too', async () => {
    const webSocket = await openSocket('public', 'good')
    assert.equal(await askWebSocket(webSocket, 'hello'), 'echo:hello')
    webSocket.terminate()
    for (const client of ['revoked', undefined] as const)
      await assert.rejects(openSocket('public', client), /Unexpected server response: 495/)
  })

  it('takes the authority of a route instead of the global ones', async () => {
    assert.equal((await get('wiki', 'of a partner')).status, 200)
    assert.deepEqual(await refusal('wiki', 'good'), [495, 'invalid_client_certificate'])
    assert.deepEqual(await refusal('wiki', undefined), [495, 'client_certificate_required'])
  })

  it('lets a machine in by its certificate alone, and sends no other to the sign-in page', async () => {
    for (const headers of [PAGE, {}]) {
      const { status, text } = await get('api', 'good', { headers })
      assert.equal(status, 200)
      assert.match(text, /"x-pomerium-jwt-assertion":/)
      assert.equal((await get('api', 'one with another name', { headers })).status, 403)
      assert.equal((await get('api', undefined, { headers })).status, 495)
    }
    const webSocket = await openSocket('api', 'good')
    assert.equal(await askWebSocket(webSocket, 'hello'), 'echo:hello')
    webSocket.terminate()
    await assert.rejects(openSocket('api', 'one with another name'), /Unexpected server response: 403/)
  })

  it('names the certificate in both logs', async () => {
    await get('public', 'expired', { path: '/logged' })
    const raw = new X509Certificate(CLIENTS.expired.cert).raw
    const fingerprint = createHash('sha256').update(raw).digest('hex')
    const decision = await stack.sallyport.waitForLog(
      'the decision',
      (line) => line.msg === 'authorize check' && line['path'] === '/logged',
    )
    const access = await stack.sallyport.waitForLog(
      'the access',
      (line) => line.msg === 'http-request' && line['path'] === '/logged',
    )
    assert.deepEqual(decision['client-certificate'], {
      fingerprint,
      validity: 'invalid',
      reason: 'expired',
      subject: 'CN=client',
    })
    assert.deepEqual(access['client-certificate'], {
      fingerprint,
      subject: 'CN=client',
      issuer: 'CN=Root',
      serial: CLIENTS.expired.certificate.serialNumber,
    })
  })
})

describe('policy', async () => {
  const { stack, get, refusal, openSocket } = await startedWith({ enforcement: 'policy' })

  for (const version of VERSIONS) {
    it(`leaves it to the routes over HTTP/${version}`, async () => {
      for (const client of [undefined, ...INVALID]) {
        const answer = await get('public', client, { version, headers: FORGED })
        assert.equal(answer.status, 200, String(client))
        const { headers } = answer.json<EchoedRequest>()
        assert.deepEqual([headers['x-cert'], headers['x-dns']], ['', ''])
        assert.ok(!('x-forwarded-client-cert' in headers))
        const [status] = await refusal('api', client, { version, headers: FORGED })
        assert.equal(status, 403, String(client))
      }
      assert.equal((await get('api', 'good', { version })).status, 200)
    })
  }

  it('shows in the portal what the certificate opens', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, stack.url('app'))
    const cookie = agent.jar.header(new URL(stack.url('app'))) ?? ''
    const openTo = async (client: ClientName | undefined) => {
      const { text } = await get('app', client, { path: '/.pomerium/api/v1/routes', headers: { cookie } })
      return [...text.matchAll(/"from":"https:\/\/(\w+)/g)].map(([, host]) => host)
    }
    assert.deepEqual(await openTo(undefined), ['public', 'app', 'wiki'])
    assert.deepEqual(await openTo('revoked'), ['public', 'app', 'wiki'])
    assert.deepEqual(await openTo('good'), ['public', 'app', 'api', 'wiki'])
  })

  it('asks people to sign in where the route asks who they are', async () => {
    assert.equal((await get('app', undefined, { headers: PAGE })).status, 302)
  })

  it('holds for WebSockets too', async () => {
    const webSocket = await openSocket('api', 'good')
    webSocket.terminate()
    await assert.rejects(openSocket('api', 'revoked'), /Unexpected server response: 403/)
  })
})

describe('reject_connection', async () => {
  const { stack, get } = await startedWith({
    enforcement: 'reject_connection',
    match_subject_alt_names: [{ dns: String.raw`.*\.example\.com` }, { email: 'nobody' }],
  })

  for (const version of VERSIONS) {
    it(`lets in a certificate that is good and has a listed name, over HTTP/${version}`, async () => {
      assert.equal((await get('public', 'good', { version })).status, 200)
      assert.equal((await get('api', 'good', { version })).status, 200)
      const { headers } = (await get('public', 'good', { version })).json<EchoedRequest>()
      assert.equal(headers['x-dns'], 'ci.example.com')
    })

    it(`ends the handshake of all others, over HTTP/${version}`, async () => {
      // the intermediate has no list, and its certificate no name that is listed
      for (const client of [undefined, ...INVALID, 'one through an intermediate'] as const) {
        stack.upstream.drain()
        await assert.rejects(get('public', client, { version }), { code: /SSL|ECONNRESET|ERR_HTTP2/ })
        assert.equal(stack.upstream.drain(), 0, String(client))
      }
    })
  }

  it('closes the sign-in pages to them, too', async () => {
    await assert.rejects(get('authenticate', undefined, { path: '/.well-known/pomerium' }))
  })
})

describe('reject_connection without revocation lists', async () => {
  const { get, refusal } = await startedWith({ enforcement: 'reject_connection', crl_file: undefined })

  it('counts the depth of a chain as the other modes do', async () => {
    assert.equal((await get('public', 'one through an intermediate')).status, 200)
    await assert.rejects(get('public', 'too deep'))
  })

  it('judges again what Envoy has let in: by the authority of the route, and by what Envoy overlooks', async () => {
    const invalid = [495, 'invalid_client_certificate']
    assert.deepEqual(await refusal('public', 'of a partner'), invalid)
    assert.equal((await get('wiki', 'of a partner')).status, 200)
    assert.deepEqual(await refusal('wiki', 'good'), invalid)
    assert.deepEqual(await refusal('public', 'with a NUL in its name'), invalid)
  })
})
