import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PermitFacts } from '../edge/permit.ts'
import { ALICE, configOf, IDP, MapStore, NOW } from '../extauthz/authorizer.fixture.ts'
import { policyOf } from '../policy/compiled-policies.ts'
import type { Session } from '../session/session.ts'
import { createJudge } from './judge.ts'

const STAFF = { policy: [{ allow: { and: [{ groups: { has: 'staff' } }] } }] }
const FACTS: PermitFacts = { method: 'GET', path: '/live', clientAddress: '192.0.2.7', headers: {} }

async function judge(
  route: object,
  {
    facts,
    session = ALICE,
    idleTime = 0,
  }: { facts?: PermitFacts; session?: Session; idleTime?: number } = {},
) {
  const config = configOf([{ from: 'https://app.example.com', to: 'http://127.0.0.1:1', ...route }])
  const store = new MapStore(session)
  store.idleTimes.set(session.id, idleTime)
  const judged = await createJudge({
    config: { current: config },
    policyOf,
    idpIdsFor: () => [IDP],
    sessions: store,
    now: () => NOW,
    logger: { info() {}, warn() {} },
  })({
    permit: {
      routeId: config.routes[0]?.id ?? '',
      host: 'app.example.com',
      sessionIds: [session.id],
      serviceAccountIds: [],
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
})
