import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Session } from '../session/session.ts'
import {
  ALICE as ANYBODY,
  type Ask,
  authorizerFor,
  BOB,
  configOf,
  cookieOf,
  type Fixture,
  MapStore,
  NOW,
  objectOf,
  STAFF_ROUTE,
} from './authorizer.fixture.ts'
import type { Ports } from './ports.ts'

const HOUR = 3_600_000
/** Her provider says when she signed in. */
const ALICE: Session = { ...ANYBODY, authenticatedAt: NOW - 60_000 }
const alice: Ask = { headers: { cookie: cookieOf(ALICE) } }

/** What may happen while a request waits: it would pass if it did not. */
interface World {
  readonly fixture: Fixture
  readonly off: Set<string>
  readonly groups: Map<string, readonly string[]>
  tell(): void
}

const MEANWHILE: readonly (readonly [
  what: string,
  happen: (world: World) => void,
  status: number,
  route?: object,
])[] = [
  ['nothing', () => undefined, 0],
  ['its session expires', ({ fixture }) => (fixture.clock.now = ALICE.expiresAt), 302],
  ['its session is signed out', ({ fixture }) => fixture.store.delete(ALICE.id), 302],
  ['its owner is deactivated', ({ off }) => off.add(ALICE.userId), 403],
  ['its owner leaves the group', ({ groups }) => groups.set(ALICE.userId, ['everyone']), 403],
  ['it is idle for too long', ({ fixture }) => fixture.store.idleTimes.set(ALICE.id, HOUR), 302],
  ['it becomes too old for the route', ({ fixture }) => (fixture.clock.now += 10 * 60_000), 302],
  ['the sign-in becomes too old', ({ fixture }) => (fixture.clock.now += 5 * 60_000), 302],
  [
    'the policy becomes another',
    ({ fixture }) =>
      fixture.change(configOf([{ ...ROUTE, policy: [{ allow: { and: [{ email: 'x@y.z' }] } }] }])),
    403,
  ],
]

const ROUTE = { ...STAFF_ROUTE, session_lifetime: '10m', max_age: '5m', session_idle_timeout: '15m' }

/** Each kind of wait: for a refresh, for the platform's token, for a store over the network. */
const WAITS: Readonly<
  Record<
    string,
    {
      route: object
      ports: (waiting: () => Promise<void>) => Partial<Ports>
      store?: (store: MapStore) => void
    }
  >
> = {
  'a refresh': {
    route: { ...ROUTE, pass_idp_token: { token: 'access_token', optional: true } },
    ports: (waiting) => ({ refreshNow: waiting }),
    store: (store) => store.put({ ...ALICE, tokens: { ...ALICE.tokens, accessTokenExpiresAt: NOW + 1000 } }),
  },
  'the token of a platform': {
    route: { ...ROUTE, enable_google_cloud_serverless_authentication: true },
    ports: (waiting) => ({
      platformTokens: {
        tokenFor: () => waiting().then(() => ({ value: 'platform', expiresAt: Number.MAX_SAFE_INTEGER })),
      },
    }),
  },
}

describe('a request that waits', () => {
  for (const [wait, { route, ports, store: prepare }] of Object.entries(WAITS))
    for (const [what, happen, status] of MEANWHILE)
      it(`for ${wait} is judged anew: ${what}`, async () => {
        const off = new Set<string>()
        const groups = new Map<string, readonly string[]>()
        const listeners = new Set<() => void>()
        const begun = Promise.withResolvers<void>()
        const done = Promise.withResolvers<void>()
        const store = new MapStore(ALICE, BOB)
        prepare?.(store)
        using fixture = authorizerFor(configOf([route]), {
          store,
          ports: {
            directory: {
              apply: (session) => ({ ...session, groups: groups.get(session.userId) ?? session.groups }),
              isDeactivated: ({ userId }) => off.has(userId),
              onChange: (listener) => {
                listeners.add(listener)
                return { [Symbol.dispose]: () => listeners.delete(listener) }
              },
            },
            ...ports(async () => {
              begun.resolve()
              await done.promise
            }),
          },
        })
        const asking = fixture.ask({
          ...alice,
          headers: { ...alice.headers, 'sec-fetch-mode': 'navigate', accept: 'text/html' },
        })
        await begun.promise
        happen({ fixture, off, groups, tell: () => listeners.forEach((listener) => listener()) })
        done.resolve()
        assert.equal((await asking).status, status)
      })

  it('for a store that answers late is judged when it has answered', async () => {
    for (const [what, happen, status] of MEANWHILE.slice(0, 5)) {
      const off = new Set<string>()
      const groups = new Map<string, readonly string[]>()
      using fixture = authorizerFor(configOf([ROUTE]), {
        store: new LateStore(() => happen({ fixture, off, groups, tell: () => undefined }), ALICE),
        ports: {
          directory: {
            apply: (session) => ({ ...session, groups: groups.get(session.userId) ?? session.groups }),
            isDeactivated: ({ userId }) => off.has(userId),
            onChange: () => ({ [Symbol.dispose]: () => undefined }),
          },
        },
      })
      const { status: got } = await fixture.ask({
        headers: { ...alice.headers, 'sec-fetch-mode': 'navigate', accept: 'text/html' },
      })
      assert.equal(got, status, what)
    }
  })

  it('does not leave the groups of before in what later requests are told', async () => {
    let groups: readonly string[] = ['staff', 'admins']
    let listener: (() => void) | undefined
    const waits = [Promise.withResolvers<void>()]
    using fixture = authorizerFor(
      configOf([
        { ...STAFF_ROUTE, pass_identity_headers: true, enable_google_cloud_serverless_authentication: true },
      ]),
      {
        ports: {
          directory: {
            apply: (session) => ({ ...session, groups }),
            isDeactivated: () => false,
            onChange: (each) => {
              listener = each
              return { [Symbol.dispose]: () => undefined }
            },
          },
          platformTokens: {
            tokenFor: async () => {
              await waits[0]?.promise
              return { value: 'platform', expiresAt: Number.MAX_SAFE_INTEGER }
            },
          },
        },
      },
    )
    const first = fixture.ask(alice)
    groups = ['staff']
    listener?.()
    waits[0]?.resolve()
    for (const answer of [await first, await fixture.ask(alice)])
      assert.deepEqual(groupsIn(answer), ['staff'])
  })
})

describe('what upstreams are told again', () => {
  it('has the groups of now as soon as a directory tells of others', async () => {
    let groups: readonly string[] = ['staff', 'admins']
    let listener: (() => void) | undefined
    using fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, pass_identity_headers: true }]), {
      ports: {
        directory: {
          apply: (session) => ({ ...session, groups }),
          isDeactivated: () => false,
          onChange: (each) => {
            listener = each
            return { [Symbol.dispose]: () => undefined }
          },
        },
      },
    })
    assert.deepEqual(groupsIn(await fixture.ask(alice)), ['staff', 'admins'])
    groups = ['staff']
    listener?.()
    assert.deepEqual(groupsIn(await fixture.ask(alice)), ['staff'])
  })

  it('is of the very token that a request brings, though nothing else tells two requests apart', async () => {
    using fixture = authorizerFor(
      configOf(
        [
          {
            from: 'https://app.example.com',
            to: 'http://127.0.0.1:1',
            allow_public_unauthenticated_access: true,
            pass_identity_headers: true,
            bearer_token_format: 'jwt',
          },
        ],
        { identity_providers: { ci: { issuer: 'https://ci.example.com', audiences: ['app'] } } },
      ),
      { ports: { bearer: { session: (_, token) => sessionOf(token) } } },
    )
    for (const name of ['a', 'b', 'a', 'b']) {
      const { headers } = await fixture.ask({ headers: { authorization: `Bearer ${name}` } })
      assert.equal(claimsIn(headers)['sub'], `ci/${name}`)
    }
  })
})

/** What a token of that name makes of its bearer. */
const sessionOf = (name: string): Session & { kind: 'workload' } => ({
  ...ALICE,
  kind: 'workload',
  id: `workload-${name}`,
  userId: `ci/${name}`,
  email: undefined,
  idpId: '',
})

/** Answers a moment later, and something happens meanwhile, once. */
class LateStore extends MapStore {
  readonly #happen: () => void
  #hasHappened = false

  constructor(happen: () => void, ...sessions: readonly Session[]) {
    super(...sessions)
    this.#happen = happen
  }

  override async find(id: string): Promise<Session | undefined> {
    const found = this.sessions.get(id)
    await Promise.resolve()
    if (!this.#hasHappened) {
      this.#hasHappened = true
      this.#happen()
    }
    return found
  }
}

function claimsIn(headers: Readonly<Record<string, string>>): Record<string, unknown> {
  const [, payload = ''] = (headers['x-pomerium-jwt-assertion'] ?? '').split('.')
  return objectOf(Buffer.from(payload, 'base64url').toString())
}

const groupsIn = ({ headers }: { readonly headers: Readonly<Record<string, string>> }) =>
  claimsIn(headers)['groups']
