/**
 * Whatever shows who asks × whatever is asked for: {cookie, handle in a header, service account, access token
 * and ID token of the identity provider, workload token, certificate} × {HTTP, WebSocket, gRPC, CONNECT}.
 *
 * There are no routes for tunnels yet: CONNECT is refused with every credential, good ones too, and nothing
 * gets through.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import { AUDIENCE, startIssuer } from '../../src/access/credentials/bearer/issuer.fixture.ts'
import { createClientAuthority } from '../../src/config/client-authority.fixture.ts'
import { everyProtocol, type Shown } from '../harness/every-protocol.ts'
import { startGrpcUpstream } from '../harness/grpc.ts'
import { type Route, sallyportCli } from '../harness/sallyport.ts'
import { ANYONE_SIGNED_IN, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

/** One kind of credential: where it is taken, one that is good, and some that are not. */
interface Row {
  readonly kind: string
  /** Name of the host that takes it; its gRPC app is at `<host>-grpc`. */
  readonly host: string
  readonly good: Shown
  /** At the gRPC app, where a handle is tied to its host. */
  readonly goodForGrpc?: Shown
  readonly bad: Readonly<Record<string, Shown>>
}

const clients = await createClientAuthority('Clients')
const strangers = await createClientAuthority('Clients')
const certificates = {
  good: await clients.issue({ names: [{ type: 'dns', value: 'ci.example.com' }] }),
  expired: await clients.issue({
    names: [{ type: 'dns', value: 'ci.example.com' }],
    notAfter: new Date(Date.now() - 3_600_000),
  }),
  foreign: await strangers.issue({ names: [{ type: 'dns', value: 'ci.example.com' }] }),
  other: await clients.issue({ names: [{ type: 'dns', value: 'cd.example.com' }] }),
}

const ci = await startIssuer()
const grpcUpstream = await startGrpcUpstream()
const hosts = ['people', 'jwt', 'access', 'identity', 'cert', 'tokens']
const stack = await startStack({
  hosts: hosts.flatMap((host) => [host, `${host}-grpc`]),
  settings: {
    downstream_mtls: { ca_file: 'clients.pem', enforcement: 'policy' },
    identity_providers: {
      ci: { issuer: ci.url, audiences: [AUDIENCE], claims: { repository: 'acme/shop' } },
    },
  },
  beforeServe: async ({ folder }) => await writeFile(join(folder, 'clients.pem'), clients.cert),
  routes: ({ upstream, url }) => {
    const both = (host: string, more: Route): Route[] => [
      { from: url(host, ''), name: host, to: upstream.url, allow_websockets: true, ...more },
      {
        from: url(`${host}-grpc`, ''),
        name: `${host}-grpc`,
        to: `h2c://127.0.0.1:${grpcUpstream.port}`,
        ...more,
      },
    ]
    return [
      ...both('people', ANYONE_SIGNED_IN),
      ...both('jwt', { ...ANYONE_SIGNED_IN, bearer_token_format: 'jwt' }),
      ...both('access', { ...STAFF_ONLY, bearer_token_format: 'idp_access_token' }),
      ...both('identity', { ...STAFF_ONLY, bearer_token_format: 'idp_identity_token' }),
      ...both('cert', {
        policy: { allow: { and: [{ client_certificate: { san_dns: 'ci.example.com' } }] } },
      }),
      {
        from: url('tokens', ''),
        to: upstream.url,
        ...ANYONE_SIGNED_IN,
        set_request_headers: { 'X-Access': '$pomerium.access_token', 'X-Id': '$pomerium.id_token' },
      },
    ]
  },
})
after(async () => {
  await stack[Symbol.asyncDispose]()
  await grpcUpstream[Symbol.asyncDispose]()
  await ci[Symbol.asyncDispose]()
})
const { url, upstream } = stack
const { get, webSocketStatus, grpcCode, connectStatuses } = everyProtocol(stack)

const bearer = (token: string): Shown => ({ headers: { authorization: `Bearer ${token}` } })
const ours = (token: string): readonly Shown[] => [
  { headers: { 'x-pomerium-authorization': token } },
  { headers: { authorization: `Pomerium ${token}` } },
  { headers: { authorization: `Bearer Pomerium-${token}` } },
]
const cookieOf = (handle: string): Shown => ({ headers: { cookie: `__Host-_pomerium=${handle}` } })
/** The ways to send the handle of a session. */
const DRESSES: Readonly<Record<string, (handle: string) => Shown>> = {
  cookie: cookieOf,
  'handle in X-Pomerium-Authorization': (handle) => ours(handle)[0] ?? {},
  'handle in Authorization: Pomerium': (handle) => ours(handle)[1] ?? {},
  'handle in Authorization: Bearer Pomerium-': (handle) => ours(handle)[2] ?? {},
}
const flipped = (text: string): string => {
  const at = text.length - 10
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
}

/** The session reference of a signed-in browser, for one host. */
async function referenceFor(host: string, login = 'alice'): Promise<string> {
  const agent = stack.agent()
  await stack.signIn(agent, url(host), login)
  const cookie = agent.jar.all.find(
    ({ host: of, name }) => of === `${host}.localhost` && name === '__Host-_pomerium',
  )
  assert.ok(cookie)
  return cookie.value
}

async function account(name: string, ...more: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await sallyportCli([
    'service-account',
    'create',
    name,
    '--config',
    stack.sallyport.configFile,
    ...more,
  ])
  assert.equal(code, 0, stderr)
  return stdout.trim()
}

const revoke = async (name: string) =>
  assert.equal(
    (await sallyportCli(['service-account', 'revoke', name, '--config', stack.sallyport.configFile])).code,
    0,
  )

const isRefusal = (status: number): boolean => status === 0 || (status >= 400 && status < 500)

/** Nothing has reached either app since the last time. */
function assertUntouched(callsBefore: number): void {
  assert.equal(upstream.drain(), 0, 'bytes reached the app')
  assert.equal(grpcUpstream.calls.length, callsBefore, 'calls reached the gRPC app')
}

const rows: Row[] = []
before(async () => {
  const handle = await referenceFor('people')
  const grpcHandle = await referenceFor('people-grpc')
  const elsewhere = await referenceFor('tokens')
  // One handle is good at one host.
  for (const [kind, dress] of Object.entries(DRESSES))
    rows.push({
      kind,
      host: 'people',
      good: dress(handle),
      goodForGrpc: dress(grpcHandle),
      bad: { altered: dress(flipped(handle)), 'of another host': dress(elsewhere), empty: dress('') },
    })

  const token = await account('robot', '--groups', 'ci', '--expires', '1h')
  const elsewhereToken = await account('elsewhere', '--route', 'tokens.localhost', '--expires', '1h')
  const expired = await account('old', '--expires', '2020-01-01')
  const gone = await account('gone', '--expires', '1h')
  await revoke('gone')
  for (const [index, good] of ours(token).entries())
    rows.push({
      kind: `service account ${index + 1}`,
      host: 'people',
      good,
      bad: {
        altered: ours(flipped(token))[index] ?? {},
        expired: ours(expired)[index] ?? {},
        revoked: ours(gone)[index] ?? {},
        'for another route': ours(elsewhereToken)[index] ?? {},
        'in a cookie': cookieOf(token),
      },
    })

  const agent = stack.agent()
  const echoed = (await stack.signIn(agent, url('tokens'))).json<{ headers: Record<string, string> }>()
  const accessToken = echoed.headers['x-access'] ?? ''
  const idToken = echoed.headers['x-id'] ?? ''
  const guest = stack.agent()
  const ofBob = (await stack.signIn(guest, url('tokens'), 'bob')).json<{ headers: Record<string, string> }>()
  rows.push(
    {
      kind: 'access token of the identity provider',
      host: 'access',
      good: bearer(accessToken),
      bad: {
        'made up': bearer('made-up'),
        'an ID token': bearer(idToken),
        'of somebody whom the policy does not let in': bearer(ofBob.headers['x-access'] ?? ''),
      },
    },
    {
      kind: 'ID token of the identity provider',
      host: 'identity',
      good: bearer(idToken),
      bad: {
        altered: bearer(flipped(idToken)),
        'an access token': bearer(accessToken),
        'a workload token': bearer(await ci.token()),
        'of somebody whom the policy does not let in': bearer(ofBob.headers['x-id'] ?? ''),
      },
    },
    {
      kind: 'workload token',
      host: 'jwt',
      good: bearer(await ci.token()),
      bad: {
        altered: bearer(flipped(await ci.token())),
        expired: bearer(await ci.token({ exp: Math.floor(Date.now() / 1000) - 3600 })),
        'for another audience': bearer(await ci.token({ aud: 'https://other.example.com' })),
        'of another repository': bearer(await ci.token({ repository: 'evil/shop' })),
        'of another issuer': bearer(await ci.token({ iss: 'https://evil.example' })),
        'of a person': bearer(idToken),
        'that announces itself and is empty': { headers: { authorization: 'Bearer' } },
        'twice in one header': bearer(`${await ci.token()}, Bearer ${await ci.token()}`),
      },
    },
    {
      kind: 'certificate',
      host: 'cert',
      good: { client: certificates.good },
      bad: {
        expired: { client: certificates.expired },
        'of another authority': { client: certificates.foreign },
        'of another name': { client: certificates.other },
        'only told of in a header': { headers: { 'x-forwarded-client-cert': 'Hash=abc;DNS=ci.example.com' } },
      },
    },
  )
})

const rowOf = (kind: string): Shown => rows.find((row) => row.kind === kind)?.good ?? {}
const withCookie = async (host: string, shown: Shown, handle: string): Promise<number> =>
  (await get(host, { ...shown, headers: { ...shown.headers, ...cookieOf(handle).headers } })).status

describe('the matrix of credentials and protocols', () => {
  it('has rows', () => assert.equal(rows.length, 4 + 3 + 2 + 1 + 1))

  it('HTTP/1.1 and HTTP/2 let good ones in', async () => {
    for (const { kind, host, good } of rows)
      for (const version of ['1.1', '2'] as const) {
        const asked = await get(host, good, version)
        assert.equal(asked.status, 200, `${kind}, HTTP/${version}: ${asked.text}`)
      }
  })

  it('WebSockets open with good ones', async () => {
    for (const { kind, host, good } of rows) assert.equal(await webSocketStatus(host, good), 101, kind)
  })

  it('gRPC calls pass with good ones', async () => {
    for (const { kind, host, good, goodForGrpc = good } of rows)
      assert.equal(await grpcCode(host, goodForGrpc), grpc.status.OK, kind)
  })

  it('nothing of the credential reaches the app', async () => {
    for (const { kind, host, good } of rows) {
      upstream.drain()
      await get(host, good)
      const seen = upstream.requests.at(-1)
      assert.ok(seen, kind)
      for (const secret of Object.values(good.headers ?? {}))
        assert.ok(!JSON.stringify(seen).includes(secret.slice(-40)), kind)
      assert.equal(seen.headers['authorization'], undefined, kind)
    }
  })

  it('a bad one is refused over HTTP, in words and with a challenge, and never redirected', async () => {
    for (const { kind, host, bad } of rows)
      for (const [what, shown] of Object.entries(bad)) {
        upstream.drain()
        const calls = grpcUpstream.calls.length
        const answer = await get(host, shown)
        assert.ok([400, 401, 403].includes(answer.status), `${kind} ${what}: ${answer.status}`)
        if (answer.status === 401) assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer realm=/)
        // As a browser would ask, but for the credential: that tells that it is none.
        if (
          shown.headers?.['authorization'] !== undefined ||
          shown.headers?.['x-pomerium-authorization'] !== undefined
        ) {
          const asBrowser = { ...shown.headers, accept: 'text/html', 'sec-fetch-mode': 'navigate' }
          const { status } = await get(host, { ...shown, headers: asBrowser })
          assert.ok([400, 401, 403].includes(status), `${kind} ${what} as a browser: ${status}`)
        }
        assertUntouched(calls)
      }
  })

  it('a bad one opens no WebSocket and makes no gRPC call', async () => {
    for (const { kind, host, bad } of rows)
      for (const [what, shown] of Object.entries(bad)) {
        upstream.drain()
        const calls = grpcUpstream.calls.length
        assert.ok(isRefusal(await webSocketStatus(host, shown)), `${kind} ${what}: WebSocket`)
        assert.notEqual(await grpcCode(host, shown), grpc.status.OK, `${kind} ${what}: gRPC`)
        assertUntouched(calls)
      }
  })

  it('CONNECT is refused with every credential, and nothing gets through', async () => {
    for (const { kind, host, good, bad } of rows)
      for (const shown of [good, Object.values(bad)[0] ?? {}]) {
        upstream.drain()
        const calls = grpcUpstream.calls.length
        const statuses = await connectStatuses(host, shown)
        assert.ok(statuses.every(isRefusal), `${kind}: ${statuses.join()}`)
        assertUntouched(calls)
      }
  })

  it('two identities at once are 400, whichever they are', async () => {
    assert.equal(await withCookie('jwt', rowOf('workload token'), await referenceFor('jwt')), 400)
    const access = await referenceFor('access')
    assert.equal(await withCookie('access', rowOf('access token of the identity provider'), access), 400)
    const identity = await referenceFor('identity')
    assert.equal(await withCookie('identity', rowOf('ID token of the identity provider'), identity), 400)
    const people = await referenceFor('people')
    for (const index of [1, 2, 3])
      assert.equal(await withCookie('people', rowOf(`service account ${index}`), people), 400)
    const bob = await referenceFor('people', 'bob')
    for (const shown of ours(bob)) assert.equal(await withCookie('people', shown, people), 400)
  })
})

describe('a service account', () => {
  it('is refused within a second of its revocation, while it is used over a connection that stays', async () => {
    const token = await account('short-lived', '--expires', '1h')
    const status = async () =>
      (await get('people', { headers: { authorization: `Pomerium ${token}` } })).status
    assert.equal(await status(), 200)
    await revoke('short-lived')
    await until(async () => (await status()) === 401, { what: 'the token to be refused', withinMs: 1000 })
  })

  it('survives a restart, is told in the log by its id, and its token is in no file', async () => {
    const token = await account('lasting', '--expires', '1h')
    await stack.restart()
    assert.equal((await get('people', { headers: { authorization: `Pomerium ${token}` } })).status, 200)
    const [, id, mac = ''] = token.split('.')
    await stack.sallyport.waitForLog('the account', (line) => line['service-account-id'] === id)
    assert.ok(!stack.sallyport.process.lines.some((line) => line.includes(mac)))
    for (const file of ['sallyport.db', 'sallyport.db-wal'])
      assert.ok(!readFileSync(join(stack.sallyport.stateDir, file), 'latin1').includes(mac), file)
  })
})

describe('an issuer that is down', () => {
  it('is 503 for a token that was not seen before, and nothing to one that was', async () => {
    const seen = bearer(await ci.token())
    assert.equal((await get('jwt', seen)).status, 200)
    await stack.restart()
    ci.failWith = 503
    assert.equal((await get('jwt', bearer(await ci.token({ jti: 'new' })))).status, 503)
    ci.failWith = 0
    await until(async () => (await get('jwt', bearer(await ci.token({ jti: 'newer' })))).status === 200, {
      what: 'the issuer to be asked again',
      withinMs: 5000,
    })
    ci.failWith = 503
    assert.equal(
      (await get('jwt', bearer(await ci.token({ jti: 'newest' })))).status,
      200,
      'its keys are known',
    )
    ci.failWith = 0
  })
})
