/**
 * Tokens of machines as an attacker would send them, through a real Envoy: nothing reaches the app, and no
 * flood reaches the issuer or the identity provider.
 *
 * What can be forged in a token itself is tried in src/identity/bearer.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { generateKeyPair } from 'jose'
import { AUDIENCE, startIssuer } from '../../src/access/credentials/bearer/issuer.fixture.ts'
import { type HttpResponse, request } from '../harness/http-client.ts'
import { rawHttp1, rawHttp2, requestFrames } from '../harness/raw-http.ts'
import { sallyportCli } from '../harness/sallyport.ts'
import { ANYONE_SIGNED_IN, PUBLIC, startStack } from '../harness/stack.ts'

const ci = await startIssuer()
const stack = await startStack({
  hosts: ['access', 'open'],
  settings: {
    identity_providers: {
      ci: {
        issuer: ci.url,
        audiences: [AUDIENCE],
        claims: { repository: 'acme/shop', ref: 'refs/heads/main' },
      },
    },
  },
  routes: ({ upstream, url }) => [
    { from: url('app', ''), name: 'app', to: upstream.url, ...ANYONE_SIGNED_IN, bearer_token_format: 'jwt' },
    { from: url('api', ''), name: 'api', to: upstream.url, ...ANYONE_SIGNED_IN },
    {
      from: url('access', ''),
      to: upstream.url,
      ...ANYONE_SIGNED_IN,
      bearer_token_format: 'idp_access_token',
    },
    { from: url('open', ''), to: upstream.url, ...PUBLIC, bearer_token_format: 'jwt' },
  ],
})
after(async () => {
  await stack[Symbol.asyncDispose]()
  await ci[Symbol.asyncDispose]()
})
const { url, ca, edge, upstream } = stack

const get = async (host: string, headers: Record<string, string>, path = '/'): Promise<HttpResponse> =>
  await request({
    url: url(host, path),
    ca: ca.cert,
    version: '2',
    headers: { accept: 'application/json', ...headers },
  })

async function assertRefused(host: string, headers: Record<string, string>, path?: string): Promise<void> {
  upstream.drain()
  const { status } = await get(host, headers, path)
  assert.ok([400, 401, 403, 431].includes(status), `${JSON.stringify(headers).slice(0, 200)}: ${status}`)
  assert.equal(upstream.drain(), 0)
}

const account = async (name: string, ...more: readonly string[]): Promise<string> => {
  const config = ['--config', stack.sallyport.configFile]
  const { stdout } = await sallyportCli([
    'service-account',
    'create',
    name,
    '--expires',
    '1h',
    ...config,
    ...more,
  ])
  return stdout.trim()
}

describe('a token of a CI job', () => {
  it('opens the route that it is for', async () => {
    assert.equal((await get('app', { authorization: `Bearer ${await ci.token()}` })).status, 200)
  })

  for (const [what, claims] of Object.entries({
    'of another repository': { repository: 'evil/shop' },
    'of another branch': { ref: 'refs/heads/feature' },
    'of a pull request from a fork': { ref: 'refs/pull/7/merge', event_name: 'pull_request' },
    'for another audience': { aud: 'https://github.com/acme' },
    'that has expired': { exp: 1 },
    'of the future': { nbf: 9_999_999_999 },
    'of an issuer that is nearly ours': { iss: `${ci.url}/` },
  })) {
    it(`${what} is refused, on a route that everybody may open too`, async () => {
      const authorization = `Bearer ${await ci.token(claims)}`
      await assertRefused('app', { authorization })
      await assertRefused('open', { authorization })
    })
  }

  it('is nothing to a route that takes none, nor to our own pages', async () => {
    const authorization = `Bearer ${await ci.token()}`
    await assertRefused('api', { authorization })
    assert.equal((await get('app', { authorization }, '/.pomerium/user')).status, 401)
  })

  it('is not found where no credential belongs', async () => {
    const token = await ci.token()
    await assertRefused('app', {}, `/?access_token=${token}&token=${token}`)
    await assertRefused('app', { cookie: `__Host-_pomerium=${token}; access_token=${token}` })
    await assertRefused('app', { 'x-pomerium-authorization': token })
    await assertRefused('app', { authorization: `Bearer Pomerium-${token}` })
    await assertRefused('app', { authorization: `Pomerium ${token}` })
  })

  it('of 16 KB and more is refused, as are headers that hold several or nonsense', async () => {
    await assertRefused('app', { authorization: `Bearer ${'a'.repeat(17 * 1024)}` })
    await assertRefused('app', { authorization: `Bearer ${await ci.token({ filler: 'x'.repeat(14_000) })}` })
    for (const authorization of ['Bearer', 'Bearer  ', 'Bearer a b', 'Bearer a,b', 'Bearer "', 'Bearer é'])
      await assertRefused('app', { authorization })
  })

  it('in two header lines is refused over both versions of HTTP', async () => {
    const token = await ci.token()
    const authority = `app.localhost:${edge.port}`
    const target = { port: edge.port, servername: 'app.localhost', ca: ca.cert }
    upstream.drain()
    const lines = `authorization: Bearer ${token}\r\nauthorization: Bearer ${token}\r\n`
    const one = await rawHttp1(target, `GET / HTTP/1.1\r\nhost: ${authority}\r\n${lines}\r\n`)
    const two = await rawHttp2(
      target,
      requestFrames([
        [':method', 'GET'],
        [':scheme', 'https'],
        [':authority', authority],
        [':path', '/'],
        ['authorization', `Bearer ${token}`],
        ['authorization', 'Basic eDp5'],
      ]),
    )
    assert.deepEqual([one.status, two.status], [400, 400])
    assert.equal(upstream.drain(), 0)
  })
})

describe('a flood of tokens', () => {
  it('of keys that nobody knows asks the issuer for its keys once', async () => {
    await get('app', { authorization: `Bearer ${await ci.token()}` })
    const before = ci.asked.length
    const foreign = await generateKeyPair('RS256')
    for (let n = 0; n < 300; n++)
      await assertRefused('app', {
        authorization: `Bearer ${await ci.token({ n }, { kid: `kid-${n}` }, foreign)}`,
      })
    assert.ok(ci.asked.length - before <= 1, `asked ${ci.asked.length - before} times`)
  })

  it('that are made up asks the identity provider a few times, then they are 429', async () => {
    const before = stack.provider.asked.userinfo
    const statuses = new Map<number, number>()
    for (let n = 0; n < 300; n++) {
      const { status } = await get('access', { authorization: `Bearer made-up-${n}` })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    assert.ok(
      stack.provider.asked.userinfo - before <= 20,
      `asked ${stack.provider.asked.userinfo - before} times`,
    )
    assert.deepEqual(new Set(statuses.keys()), new Set([401, 429]))
  })
})

describe('a token of a service account', () => {
  it('for one route is refused on another, and a forged one everywhere', async () => {
    const token = await account('tied', '--route', 'api')
    assert.equal((await get('api', { authorization: `Bearer Pomerium-${token}` })).status, 200)
    await assertRefused('app', { authorization: `Bearer Pomerium-${token}` })
    await assertRefused('open', { authorization: `Bearer Pomerium-${token}` })
    const [, id, mac] = token.split('.')
    for (const forged of [`sa1.${id}.${'A'.repeat(43)}`, `v1.${id}.${mac}`, `sa1.${id}`, `sa1.${mac}.${id}`])
      await assertRefused('api', { authorization: `Pomerium ${forged}` })
  })

  it('is nobody in a cookie or a query, nor at our own pages', async () => {
    const token = await account('wanderer')
    await assertRefused('api', { cookie: `__Host-_pomerium=${token}` })
    await assertRefused('api', {}, `/?pomerium_jwt=${token}&access_token=${token}`)
    await assertRefused('api', { authorization: `Bearer ${token}` })
    assert.equal((await get('api', { authorization: `Pomerium ${token}` }, '/.pomerium/user')).status, 401)
  })
})
