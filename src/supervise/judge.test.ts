import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  SERVICE_ACCOUNTS,
  type ServiceAccount,
  serviceAccountOf,
} from '../access/credentials/service-account/service-account.ts'
import type { PermitFacts } from '../edge/permit.ts'
import { ALICE, configOf, IDP, MapStore, NOW } from '../extauthz/authorizer.fixture.ts'
import { CLIENTS } from '../extauthz/client-certificate.fixture.ts'
import { policyOf } from '../policy/compiled-policies.ts'
import type { Session } from '../session/session.ts'
import { createJudge } from './judge.ts'

const STAFF = { policy: [{ allow: { and: [{ groups: { has: 'staff' } }] } }] }
const MTLS = {
  ...CLIENTS.settings,
  downstream_mtls: { ...CLIENTS.settings.downstream_mtls, enforcement: 'policy' },
}
const FACTS: PermitFacts = { method: 'GET', path: '/live', clientAddress: '192.0.2.7', headers: {} }

async function judge(
  route: object,
  {
    facts,
    session = ALICE,
    idleTime = 0,
    settings = {},
    certificate,
    account,
  }: {
    facts?: PermitFacts
    session?: Session
    idleTime?: number
    settings?: object
    certificate?: string | null
    account?: ServiceAccount
  } = {},
) {
  const config = configOf([{ from: 'https://app.example.com', to: 'http://127.0.0.1:1', ...route }], settings)
  const store = new MapStore(session)
  store.idleTimes.set(session.id, idleTime)
  const judged = await createJudge({
    config: { current: config },
    policyOf,
    idpIdsFor: () => [IDP],
    sessions: store,
    now: () => NOW,
    logger: { info() {}, warn() {} },
    ...(account && {
      serviceAccounts: {
        find: () => account,
        noteUse: () => assert.fail('it was not used again'),
        onChange: () => ({ [Symbol.dispose]() {} }),
      },
    }),
  })({
    permit: {
      routeId: config.routes[0]?.id ?? '',
      host: 'app.example.com',
      sessionIds: account === undefined ? [session.id] : [],
      serviceAccountIds: account === undefined ? [] : [account.id],
      certificate,
    },
    facts,
  })
  return typeof judged === 'string'
    ? judged
    : { outcome: judged.verdict.outcome, goodUntil: judged.goodUntil }
}

describe('an open stream', () => {
  it('is good until its session ends, or the route takes it no longer', async () => {
    assert.deepEqual(await judge(STAFF), { outcome: 'allow', goodUntil: ALICE.expiresAt })
    const lifetime = await judge({ ...STAFF, session_lifetime: '2h' })
    assert.deepEqual(lifetime, {
      outcome: 'allow',
      goodUntil: Math.min(ALICE.expiresAt, ALICE.issuedAt + 7_200_000),
    })
    const idle = await judge({ ...STAFF, session_idle_timeout: '10m' }, { idleTime: 60_000 })
    assert.deepEqual(idle, { outcome: 'allow', goodUntil: Math.min(ALICE.expiresAt, NOW + 540_000) })
  })

  it('is looked at each second where the policy asks for a time, and where the sign-in must be recent', async () => {
    const session = { ...ALICE, authenticatedAt: NOW - 1000 }
    for (const route of [
      {
        policy: [
          { allow: { and: [{ groups: { has: 'staff' } }, { date: { before: '2999-01-01T00:00:00Z' } }] } },
        ],
      },
      { ...STAFF, max_age: '8000h' },
    ])
      assert.deepEqual(await judge(route, { facts: FACTS, session }), {
        outcome: 'allow',
        goodUntil: NOW + 1000,
      })
  })

  it('can not be judged by a policy that asks for what was not kept', async () => {
    const path = { policy: [{ allow: { and: [{ http_path: { starts_with: '/' } }] } }] }
    assert.equal(await judge(path), 'not known')
    assert.deepEqual((await judge(path, { facts: FACTS })) !== 'not known', true)
    const header = {
      policy: [{ allow: { and: [{ authenticated_user: true }] }, deny: { or: [{ cors_preflight: true }] } }],
    }
    assert.equal(await judge(header, { facts: FACTS }), 'not known')
    const kept = {
      ...FACTS,
      headers: { origin: null, 'access-control-request-method': null },
    }
    assert.notEqual(await judge(header, { facts: kept }), 'not known')
  })

  it('of a machine is good until its account ends: nobody asks when a machine has signed in', async () => {
    const account = serviceAccountOf({
      kind: SERVICE_ACCOUNTS,
      id: 'robot',
      value: {
        name: 'robot',
        userId: 'service-account/robot',
        groups: ['staff'],
        createdAt: NOW - 600_000,
        expiresAt: NOW + 60_000,
      },
      version: 1,
    } as never)
    assert.ok(account !== undefined)
    const limits = { session_lifetime: '5m', session_idle_timeout: '5m' }
    assert.deepEqual(await judge({ ...STAFF, ...limits }, { account, idleTime: 600_000 }), {
      outcome: 'allow',
      goodUntil: NOW + 60_000,
    })
  })

  it('can not be judged by a certificate that nobody has kept; that there was none is known', async () => {
    const banned = {
      policy: [
        {
          allow: { and: [{ authenticated_user: true }] },
          deny: { or: [{ client_certificate: { fingerprint: 'a'.repeat(64) } }] },
        },
      ],
    }
    assert.equal(await judge(banned, { settings: MTLS }), 'not known')
    const none = await judge(banned, { settings: MTLS, certificate: null })
    assert.equal(typeof none === 'string' ? none : none.outcome, 'allow')
  })

  it('is judged by the settings of today, although its route is the same as before', async () => {
    const config = configOf([{ from: 'https://app.example.com', to: 'http://127.0.0.1:1', ...STAFF }])
    const store = new MapStore(ALICE)
    store.idleTimes.set(ALICE.id, 600_000)
    const generation = { current: config }
    const judgeNow = createJudge({
      config: generation,
      policyOf,
      idpIdsFor: () => [IDP],
      sessions: Object.assign(store, { delete: () => true }),
      now: () => NOW,
      logger: { info() {}, warn() {} },
    })
    const outcome = async () => {
      const judged = await judgeNow({
        permit: {
          routeId: config.routes[0]?.id ?? '',
          host: 'app.example.com',
          sessionIds: [ALICE.id],
          serviceAccountIds: [],
        },
        facts: undefined,
      })
      return typeof judged === 'string' ? judged : judged.verdict.outcome
    }
    assert.equal(await outcome(), 'allow')
    generation.current = { ...config, settings: { ...config.settings, session_idle_timeout: 300_000 } }
    assert.equal(await outcome(), 'sign-in')
  })
})
