/**
 * A token for the upstream's own audience: by token exchange and client credentials at a real Keycloak, and
 * on behalf of somebody at a played Entra ID, which can't be had here.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import type { HttpVersion } from '../harness/http-client.ts'
import { type Keycloak, PASSWORD, startKeycloak } from '../harness/keycloak.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { ANYONE_SIGNED_IN, PUBLIC, type Stack, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import type { EchoedRequest } from '../harness/upstream.ts'
import type { UserAgent } from '../harness/user-agent.ts'

const VERSIONS: readonly HttpVersion[] = ['1.1', '2']
const JSON_ONLY = { accept: 'application/json', 'sec-fetch-mode': 'cors' }
const bearerOf = ({ headers }: EchoedRequest): string =>
  headers['authorization']?.replace('Bearer ', '') ?? ''

const audiencesOf = (token: string) =>
  [decodeJwt(token).aud ?? []].flat().toSorted((a, b) => (a < b ? -1 : 1))

async function echoed(agent: UserAgent, url: string, headers = {}): Promise<EchoedRequest> {
  const page = await agent.fetch(url, { headers })
  assert.equal(page.status, 200, page.text)
  return page.json<EchoedRequest>()
}

const found = await findPart('keycloak')

describe('a token for the upstream, from Keycloak', skipWithout(found), () => {
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())
  let keycloak: Keycloak
  let stack: Stack

  it('starts', async () => {
    stack = stop.use(
      await startStack({
        externalProvider: async (redirectUri, postLogoutRedirectUri) => {
          keycloak = await startKeycloak({
            home: need(found),
            redirectUris: [redirectUri],
            postLogoutRedirectUris: [postLogoutRedirectUri],
          })
          stop.use(keycloak)
          return keycloak
        },
        settings: { idp_provider: 'keycloak', log_level: 'trace' },
        routes: ({ upstream, url }) => [
          {
            from: url('app', ''),
            to: upstream.url,
            ...ANYONE_SIGNED_IN,
            upstream_token: { grant: 'token_exchange', audience: 'reports' },
          },
          {
            from: url('other', ''),
            to: upstream.url,
            ...ANYONE_SIGNED_IN,
            upstream_token: { grant: 'token_exchange', audience: 'ledger', header: 'X-Ledger' },
            pass_idp_token: { token: 'access_token', header: 'X-Users-Own' },
            set_request_headers: { 'X-Users-Id-Token': '$pomerium.id_token' },
          },
          {
            from: url('lab', ''),
            to: upstream.url,
            ...ANYONE_SIGNED_IN,
            upstream_token: { grant: 'token_exchange', audience: 'nobody' },
          },
          {
            from: url('public', ''),
            to: upstream.url,
            ...PUBLIC,
            upstream_token: { grant: 'client_credentials', audience: 'reports' },
          },
          {
            from: url('wiki', ''),
            to: upstream.url,
            ...ANYONE_SIGNED_IN,
            upstream_token: { grant: 'token_exchange', audience: ['ledger', 'reports'] },
          },
        ],
      }),
    )
  })

  const signIn = async (username: string, version?: HttpVersion) => {
    const agent = stack.agent(version === undefined ? {} : { version })
    const page = await agent.visit(stack.url('app', '/x'))
    const back = await agent.submit(page, { username, password: PASSWORD })
    assert.equal(back.status, 200, back.text)
    return agent
  }
  const verified = async (token: string, audience: string) => {
    const keys = createRemoteJWKSet(new URL(`${keycloak.issuer}/protocol/openid-connect/certs`))
    return (await jwtVerify(token, keys, { issuer: keycloak.issuer, audience })).payload
  }

  for (const version of VERSIONS) {
    it(`is one that the app itself can verify, for it alone, over HTTP/${version}`, async () => {
      const alice = await signIn('alice', version)
      const forged = { authorization: 'Bearer forged', 'x-ledger': 'forged' }
      const echo = await echoed(alice, stack.url('app'), forged)
      const claims = await verified(bearerOf(echo), 'reports')
      assert.deepEqual(
        [claims.aud, claims['azp'], claims['preferred_username']],
        ['reports', 'sallyport', 'alice'],
      )
      await alice.visit(stack.url('other'))
      const beside = await echoed(alice, stack.url('other'), forged)
      assert.equal((await verified(beside.headers['x-ledger'] ?? '', 'ledger')).aud, 'ledger')
      assert.deepEqual(audiencesOf(beside.headers['x-users-own'] ?? ''), ['account', 'ledger', 'reports'])
      assert.equal(bearerOf(beside), 'forged', 'no other header is touched')
    })
  }

  it('is each person’s own, and the same for all requests of theirs', async () => {
    const people = ['alice', 'bob'] as const
    const agents = await Promise.all(people.map((name) => signIn(name)))
    const tokens = people.map(() => new Set<string>())
    await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const who = n % 2
        const agent = agents[who]
        assert.ok(agent !== undefined)
        const token = bearerOf(await echoed(agent, stack.url('app', `/${n}`)))
        assert.equal(decodeJwt(token)['preferred_username'], people[who])
        tokens[who]?.add(token)
      }),
    )
    assert.deepEqual(
      tokens.map(({ size }) => size),
      [1, 1],
    )
  })

  it('is the proxy’s own with client credentials, for visitors too', async () => {
    const visitor = stack.agent()
    const claims = await verified(bearerOf(await echoed(visitor, stack.url('public'))), 'reports')
    assert.equal(claims['preferred_username'], 'service-account-sallyport')
  })

  it('that Keycloak does not give is an answer in words, and the app is not asked', async () => {
    const alice = await signIn('alice')
    await alice.visit(stack.url('lab'))
    stack.upstream.drain()
    const refused = await alice.fetch(stack.url('lab'), { headers: JSON_ONLY })
    assert.equal(refused.status, 502)
    assert.equal(refused.json<{ error: string }>().error, 'upstream_token_invalid')
    assert.equal(stack.upstream.requests.length, 0)
    const line = await stack.sallyport.waitForLog('why', ({ msg }) => msg === 'no token for an upstream')
    assert.match(String(line['err']), /^it answered 400 \w+ .*udience/)
  })

  it('whose person has signed out at Keycloak asks them to sign in again, which helps', async () => {
    const alice = await signIn('alice')
    await alice.visit(stack.url('other'))
    const { headers } = await echoed(alice, stack.url('other'))
    const out = new URL(`${keycloak.issuer}/protocol/openid-connect/logout`)
    out.searchParams.set('id_token_hint', headers['x-users-id-token'] ?? '')
    await alice.visit(out.href)
    await alice.visit(stack.url('wiki'))
    const page = await alice.visit(stack.url('wiki', '/again'))
    const logged = stack.sallyport.log.filter(({ msg }) => msg === 'no token for an upstream')
    assert.equal(page.status, 401, JSON.stringify(logged.at(-1)))
    let form = page
    // A sign-in of less than a second ago is as new as one can be.
    await until(
      async () => {
        const href = /href="([^"]+)">Sign in again/.exec(form.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
        form = await alice.visit(href)
        return form.url.origin === new URL(keycloak.issuer).origin
      },
      { what: 'the link to lead to Keycloak', withinMs: 5000, everyMs: 200 },
    )
    const back = await alice.submit(form, { username: 'alice', password: PASSWORD })
    assert.deepEqual([back.status, back.url.href], [200, stack.url('wiki', '/again')])
    assert.deepEqual(audiencesOf(bearerOf(back.json<EchoedRequest>())), ['ledger', 'reports'])
  })

  it('stays in use while Keycloak is down; who needs a new one is told to try again', async () => {
    const alice = await signIn('alice')
    const before = bearerOf(await echoed(alice, stack.url('app')))
    await keycloak.process.stop()
    assert.equal(bearerOf(await echoed(alice, stack.url('app'))), before)
    await alice.visit(stack.url('wiki'))
    const refused = await alice.fetch(stack.url('wiki'), { headers: JSON_ONLY })
    assert.equal(refused.status, 503)
    assert.equal(refused.json<{ error: string }>().error, 'upstream_token_unavailable')
    assert.ok(Number(refused.headers['retry-after']) > 0)
  })

  it('is in no log, at the most talkative level, ours and Envoy’s', () => {
    const output = [...stack.sallyport.process.stdout, ...stack.sallyport.process.stderr].join('\n')
    const secrets = stack.upstream.requests.flatMap((each) => [
      bearerOf(each),
      each.headers['x-ledger'] ?? '',
    ])
    const planted = new Set(secrets.filter((text) => text.length > 100))
    assert.ok(planted.size > 0)
    for (const secret of planted) assert.ok(!output.includes(secret))
    assert.ok(!output.includes(keycloak.clientSecret))
  })
})

/** A token endpoint that does what Entra ID's documentation says of the on-behalf-of flow. */
async function playEntra() {
  const forms: Record<string, string>[] = []
  let consent = true
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += String(chunk)))
    request.on('end', () => {
      const form = Object.fromEntries(new URLSearchParams(body))
      forms.push(form)
      const isRight =
        form['grant_type'] === 'urn:ietf:params:oauth:grant-type:jwt-bearer' &&
        form['requested_token_use'] === 'on_behalf_of' &&
        form['client_id'] === 'middle-tier' &&
        form['client_secret'] === 'played-secret'
      const [status, answer] = !isRight
        ? [400, { error: 'invalid_request' }]
        : consent
          ? [
              200,
              {
                token_type: 'Bearer',
                scope: form['scope'],
                expires_in: 3269,
                ext_expires_in: 0,
                access_token: 'obo-token',
              },
            ]
          : [
              400,
              {
                error: 'interaction_required',
                error_description:
                  'AADSTS50079: Due to a configuration change made by your administrator, you must enroll in multifactor authentication.',
                claims: '{"access_token":{"polids":{"essential":true,"values":["x"]}}}',
              },
            ]
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth2/v2.0/token`,
    forms,
    set consent(isGiven: boolean) {
      consent = isGiven
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe('a token for the upstream, on behalf of somebody at a played Entra ID', () => {
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())

  it('is asked for in the form of its documentation, and interaction_required asks to sign in again', async () => {
    const entra = stop.use(await playEntra())
    const token = {
      grant: 'on_behalf_of',
      scopes: ['api://reports/.default'],
      token_url: entra.url,
      client_id: 'middle-tier',
      client_secret: 'played-secret',
      client_authentication: 'client_secret_post',
    }
    const stack = stop.use(
      await startStack({
        routes: ({ upstream, url }) => [
          { from: url('app', ''), to: upstream.url, ...ANYONE_SIGNED_IN, upstream_token: token },
          {
            from: url('other', ''),
            to: upstream.url,
            ...ANYONE_SIGNED_IN,
            upstream_token: { ...token, scopes: ['api://ledger/.default'] },
          },
          { from: url('wiki', ''), to: upstream.url, ...ANYONE_SIGNED_IN, pass_idp_token: 'access_token' },
        ],
      }),
    )
    const alice = stack.agent()
    await stack.signIn(alice, stack.url('app'))
    assert.equal(bearerOf(await echoed(alice, stack.url('app'))), 'obo-token')
    await alice.visit(stack.url('wiki'))
    const own = bearerOf(await echoed(alice, stack.url('wiki')))
    assert.equal(entra.forms.length, 1)
    assert.deepEqual(entra.forms[0], {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: own,
      requested_token_use: 'on_behalf_of',
      scope: 'api://reports/.default',
      client_id: 'middle-tier',
      client_secret: 'played-secret',
    })
    entra.consent = false
    await alice.visit(stack.url('other'))
    const refused = await alice.fetch(stack.url('other'), { headers: JSON_ONLY })
    assert.equal(refused.status, 401)
    assert.equal(refused.json<{ error: string }>().error, 'upstream_token_sign_in')
    assert.match(refused.json<{ login_url: string }>().login_url, /pomerium_max_age=\d+/)
    await until(() => stack.sallyport.log.find(({ err }) => String(err).includes('AADSTS50079')), {
      what: 'the reason in the log',
    })
  })
})
