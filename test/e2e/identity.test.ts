/**
 * What the upstream learns: a signed assertion that a stock JWT library verifies, ours alone and never the
 * client's.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { createRemoteJWKSet, customFetch, decodeProtectedHeader, jwtVerify } from 'jose'
import { request } from '../harness/http-client.ts'
import { ANYONE_SIGNED_IN, PUBLIC, STAFF_ONLY, startStack } from '../harness/stack.ts'
import type { EchoedRequest } from '../harness/upstream.ts'
import { openWebSocket } from '../harness/web-socket.ts'

const stack = await startStack({
  settings: { jwt_claims_headers: ['email', 'department'] },
  provider: {
    accounts: {
      alice: {
        email: 'alice@example.com',
        name: 'Alice Archer',
        groups: ['staff', 'everyone'],
        claims: { department: 'naval' },
      },
    },
  },
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, ...STAFF_ONLY, allow_websockets: true },
    { from: url('public', ''), to: upstream.url, ...PUBLIC, allow_websockets: true },
    {
      from: url('api', ''),
      to: upstream.url,
      ...ANYONE_SIGNED_IN,
      pass_identity_headers: false,
      set_request_headers: { 'x-id-token': '$pomerium.id_token', 'x-fixed': 'costs $$5' },
      remove_request_headers: ['x-unwanted'],
    },
    {
      from: url('wiki', ''),
      to: upstream.url,
      ...ANYONE_SIGNED_IN,
      jwt_issuer_format: 'uri',
      jwt_groups_filter: ['staff', 'nobody-has-it'],
    },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, ca, upstream } = stack

const FORGED: Readonly<Record<string, string>> = {
  'x-pomerium-jwt-assertion': 'forged',
  'x-pomerium-jwt-assertion-for': 'forged',
  'x-pomerium-claim-email': 'root@example.com',
  'x-pomerium-claim-department': 'root',
  'x-pomerium-claim-anything': 'root',
  'x-pomerium-routing-key': 'forged',
  'x-forwarded-user': 'root',
  'x-forwarded-email': 'root@example.com',
  'x-forwarded-groups': 'staff',
  'x-forwarded-preferred-username': 'root',
  'remote-user': 'root',
  'x-remote-user': 'root',
}

const keys = createRemoteJWKSet(new URL(url('app', '/.well-known/pomerium/jwks.json')), {
  [customFetch]: async (address: string) => {
    const { status, text, headers } = await request({ url: address, ca: ca.cert })
    return new Response(text, { status, headers })
  },
})

const assertForgedGone = ({ headers, rawHeaders }: EchoedRequest): void => {
  for (const value of ['forged', 'root', 'root@example.com']) {
    assert.ok(!rawHeaders.includes(value), `"${value}" reached the upstream: ${JSON.stringify(headers)}`)
  }
}

describe('the assertion', () => {
  it('verifies at the upstream against the JWKS, with a stock library', async () => {
    const agent = stack.agent()
    const echoed = (await stack.signIn(agent, url('app', '/who'))).json<EchoedRequest>()
    const assertion = echoed.headers['x-pomerium-jwt-assertion'] ?? ''
    const { payload, protectedHeader } = await jwtVerify(assertion, keys, {
      issuer: 'app.localhost',
      audience: 'app.localhost',
    })
    assert.equal(protectedHeader.alg, 'ES256')
    assert.ok(protectedHeader.kid)
    assert.equal(payload['email'], 'alice@example.com')
    assert.equal(payload['name'], 'Alice Archer')
    assert.deepEqual(payload['groups'], ['staff', 'everyone'])
    assert.equal(payload['user'], payload.sub)
    assert.ok(typeof payload['sid'] === 'string' && typeof payload.jti === 'string')
    const { exp = 0, iat = 0 } = payload
    assert.equal(exp - iat, 300)
    assert.equal(payload['nbf'], undefined)
    assert.equal(echoed.headers['x-pomerium-claim-email'], 'alice@example.com')
    assert.equal(echoed.headers['x-pomerium-claim-department'], 'naval')
    assert.equal(payload['department'], 'naval')
  })

  it('names its issuer as a URI, and only the groups that matter, where the route says so', async () => {
    const echoed = (await stack.signIn(stack.agent(), url('wiki'))).json<EchoedRequest>()
    const { payload } = await jwtVerify(echoed.headers['x-pomerium-jwt-assertion'] ?? '', keys, {
      issuer: 'https://wiki.localhost/',
      audience: 'wiki.localhost',
    })
    assert.deepEqual(payload['groups'], ['staff'])
  })

  it('comes once, over what the client sent under the same name', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const echoed = (await agent.fetch(url('app', '/x'), { headers: FORGED })).json<EchoedRequest>()
    assertForgedGone(echoed)
    const names = echoed.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
    assert.equal(names.filter((name) => name === 'x-pomerium-jwt-assertion').length, 1)
    assert.equal(decodeProtectedHeader(echoed.headers['x-pomerium-jwt-assertion'] ?? '').alg, 'ES256')
  })

  it('of an anonymous visitor of a public route has an empty subject, and nothing of what was forged', async () => {
    for (const version of ['1.1', '2'] as const) {
      const echoed = (
        await request({ url: url('public', '/x'), headers: FORGED, ca: ca.cert, version })
      ).json<EchoedRequest>()
      assertForgedGone(echoed)
      const { payload } = await jwtVerify(echoed.headers['x-pomerium-jwt-assertion'] ?? '', keys)
      assert.equal(payload.sub, '')
    }
  })

  it('is absent where identity headers are off, and forged ones are taken off all the same', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('api'))
    const echoed = (
      await agent.fetch(url('api', '/x'), { headers: { ...FORGED, 'x-unwanted': '1' } })
    ).json<EchoedRequest>()
    assertForgedGone(echoed)
    assert.equal(echoed.headers['x-pomerium-jwt-assertion'], undefined)
    assert.equal(echoed.headers['x-pomerium-claim-email'], undefined)
    assert.equal(echoed.headers['x-unwanted'], undefined)
    assert.equal(echoed.headers['x-fixed'], 'costs $5')
    assert.match(echoed.headers['x-id-token'] ?? '', /^eyJ/)
  })

  it('reaches the upstream of a WebSocket upgrade, and forged headers do not', async () => {
    for (const host of ['app', 'public']) {
      const agent = stack.agent()
      if (host === 'app') await stack.signIn(agent, url(host))
      upstream.drain()
      const cookie = agent.jar.header(new URL(url(host))) ?? ''
      const webSocket = await openWebSocket({
        url: url(host, '/ws'),
        ca: ca.cert,
        headers: { ...FORGED, ...(cookie === '' ? {} : { cookie }) },
      })
      webSocket.terminate()
      const [upgrade] = upstream.requests
      assert.ok(upgrade !== undefined)
      assertForgedGone(upgrade)
      assert.ok(upgrade.headers['x-pomerium-jwt-assertion'])
    }
  })
})

describe('the session cookie', () => {
  it('never reaches an upstream, and the cookies of the app do', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const ours = agent.jar.for(new URL(url('app'))).filter(({ name }) => name !== 'theme')
    assert.ok(ours.length > 0)
    const cookie = `theme=dark; ${agent.jar.header(new URL(url('app')))}; lang=en`
    for (const version of ['1.1', '2'] as const) {
      const echoed = (
        await request({ url: url('app', '/x'), headers: { cookie }, ca: ca.cert, version })
      ).json<EchoedRequest>()
      for (const { name, value } of ours) {
        const received = echoed.headers['cookie'] ?? ''
        assert.ok(!received.includes(`${name}=`), `${name} reached the upstream`)
        assert.ok(
          value.length < 16 || !JSON.stringify(echoed).includes(value),
          `${name} reached the upstream`,
        )
      }
      assert.match(echoed.headers['cookie'] ?? '', /theme=dark/)
      assert.match(echoed.headers['cookie'] ?? '', /lang=en/)
    }
  })

  it('never reaches the upstream of a public route either', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const cookie = agent.jar.header(new URL(url('app'))) ?? ''
    const echoed = (
      await request({ url: url('public', '/x'), headers: { cookie }, ca: ca.cert })
    ).json<EchoedRequest>()
    assert.equal(echoed.headers['cookie'], undefined)
  })
})

describe('the well-known documents', () => {
  it('name the issuer, the key set and the callback, for anyone and any origin', async () => {
    const document = await request({ url: url('app', '/.well-known/pomerium'), ca: ca.cert })
    assert.equal(document.status, 200)
    assert.equal(document.headers['access-control-allow-origin'], '*')
    const fields = document.json<Record<string, string>>()
    for (const name of [
      'issuer',
      'authentication_callback_endpoint',
      'jwks_uri',
      'frontchannel_logout_uri',
    ]) {
      assert.ok(fields[name], name)
    }
    const jwks = await request({ url: url('app', '/.well-known/pomerium/jwks.json'), ca: ca.cert })
    const [key] = jwks.json<{ keys: Record<string, unknown>[] }>().keys
    assert.equal(key?.['d'], undefined)
    assert.ok(jwks.headers['etag'])
    assert.match(jwks.headers['cache-control'] ?? '', /max-age=60/)
  })
})
