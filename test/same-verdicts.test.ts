/**
 * One judgement, whoever asks for it: a check of Envoy's, `sallyport explain --session`, the portal and who
 * watches over open streams come to the same verdict on the same stories.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mayOpenBy } from '../src/access/may-open.ts'
import { AccessRoute } from '../src/access/route.ts'
import { judgeSession } from '../src/cli/explain/session.ts'
import {
  ALICE,
  authorizerFor,
  BOB,
  configOf,
  cookieOf,
  IDP,
  MapStore,
  NOW,
} from '../src/extauthz/authorizer.fixture.ts'
import { policyOf } from '../src/policy/compiled-policies.ts'
import type { Session } from '../src/session/session.ts'
import { createJudge } from '../src/supervise/judge.ts'

const STAFF = { policy: [{ allow: { and: [{ groups: { has: 'staff' } }] } }] }
const OFFICE = '192.0.2.0/24'

const ROUTES: Readonly<Record<string, object>> = {
  'for staff': STAFF,
  'for anybody signed in': { allow_any_authenticated_user: true },
  public: { allow_public_unauthenticated_access: true },
  'for staff that signed in lately': { ...STAFF, max_age: '30s' },
  'for staff that signed in strongly': { ...STAFF, acr_values: ['gold'] },
  'for staff in short sessions': { ...STAFF, session_lifetime: '50s' },
  'for staff at work': { ...STAFF, session_idle_timeout: '10m' },
  'for staff of another provider': { ...STAFF, sign_in_providers: ['partners'] },
  'for staff from the office': {
    policy: [{ allow: { and: [{ groups: { has: 'staff' } }, { source_ip: OFFICE }] } }],
  },
  'for all but guests': {
    policy: [
      { allow: { or: [{ authenticated_user: true }] }, deny: { or: [{ groups: { has: 'guests' } }] } },
    ],
  },
}

interface Somebody {
  readonly session: Session
  /** Milliseconds without a use. */
  readonly idleTime?: number
}

const PEOPLE: Readonly<Record<string, Somebody>> = {
  alice: { session: ALICE },
  bob: { session: BOB },
  'alice, away for an hour': { session: ALICE, idleTime: 3_600_000 },
  'alice, whose session is over': { session: { ...ALICE, expiresAt: NOW - 1 } },
  'alice, just signed in': { session: { ...ALICE, issuedAt: NOW - 1000 } },
  'alice, with a strong sign-in': { session: { ...ALICE, acr: 'gold' } },
  'alice of a provider that is gone': { session: { ...ALICE, idpId: 'gone' } },
}

const DIRECTORIES = {
  'no directory': undefined,
  'a directory that knows nothing else': { apply: (session: Session) => session, isDeactivated: () => false },
  'a directory that took the groups away': {
    apply: (session: Session): Session => ({ ...session, groups: [], version: 2 }),
    isDeactivated: () => false,
  },
  'a directory that switched alice off': {
    apply: (session: Session) => session,
    isDeactivated: ({ userId }: Session) => userId === ALICE.userId,
  },
}

const PLACES = { 'the office': '192.0.2.7', 'a train': '198.51.100.9' }

const settings = {
  sign_in_providers: {
    partners: {
      provider: 'oidc',
      provider_url: 'https://partners.example.com',
      client_id: 'sallyport',
      client_secret: 'secret',
    },
  },
}
const ids = (route: { readonly sign_in_providers?: readonly string[] | undefined }) =>
  route.sign_in_providers === undefined ? [IDP] : ['partners-id']

describe('a session on a route', () => {
  let stories = 0
  const outcomes = new Set<string>()

  for (const [called, route] of Object.entries(ROUTES))
    it(`is judged the same by a check, by explain, by the portal and while a stream is open: ${called}`, async () => {
      const config = configOf(
        [{ from: 'https://app.example.com', to: 'http://127.0.0.1:1', ...route }],
        'sign_in_providers' in route ? settings : {},
      )
      const [resolved] = config.routes
      assert.ok(resolved)
      for (const [who, { session, idleTime = 0 }] of Object.entries(PEOPLE))
        for (const [directoryName, directory] of Object.entries(DIRECTORIES))
          for (const [where, ip] of Object.entries(PLACES)) {
            const story = `${who}, ${directoryName}, from ${where}`
            const expected = await byCheck(session, idleTime, ip)
            const dependencies = {
              sessions: storeOf(session, idleTime),
              directory,
              now: () => NOW,
              logger: { info() {}, warn() {} },
            }
            const facts = {
              method: 'GET',
              path: '/',
              host: 'app.example.com',
              sourceIp: ip,
              headers: {},
              now: NOW,
            }
            const compiled = new AccessRoute(resolved, config, { policyOf, idpIdsFor: ids })
            const { verdict } = await judgeSession(session, compiled, facts, dependencies)
            assert.equal(verdict.outcome, expected, `explain: ${story}`)

            const open = await createJudge({
              ...dependencies,
              config: { current: config },
              policyOf,
              idpIdsFor: ids,
            })({
              permit: {
                routeId: resolved.id,
                host: 'app.example.com',
                sessionIds: [session.id],
                serviceAccountIds: [],
              },
              facts: { method: 'GET', path: '/', clientAddress: ip, headers: {} },
            })
            assert.ok(typeof open === 'object')
            assert.equal(open.verdict.outcome, expected, `an open stream: ${story}`)

            const fresh = await byCheck({ ...session, issuedAt: NOW, expiresAt: NOW + 1000 }, 0, ip)
            const isShown = mayOpenBy(dependencies, { policyOf, idpIdsFor: ids })(config, resolved, {
              session,
              now: NOW,
              clientAddress: ip,
              certificateFor: () => undefined,
            })
            assert.equal(isShown, fresh === 'allow' || fresh === 'step-up', `portal: ${story}`)
            stories += 1
            outcomes.add(expected)

            async function byCheck(judged: Session, idle: number, address: string): Promise<string> {
              using fixture = authorizerFor(config, {
                store: storeOf(judged, idle),
                ports: { idpIdsFor: ids, directory: directory && { ...directory, onChange: () => NEVER } },
              })
              await fixture.ask({ headers: { cookie: cookieOf(judged) }, sourceAddress: address })
              return String(fixture.lines.at(-1)?.['outcome'])
            }
          }
    })

  it('was tried in some hundred stories, with every outcome among them', () => {
    assert.ok(stories >= 500, `${stories}`)
    assert.deepEqual([...outcomes].toSorted(), ['allow', 'deny', 'refuse', 'sign-in', 'step-up'])
  })
})

const NEVER = { [Symbol.dispose]() {} }

function storeOf(session: Session, idleTime: number): MapStore {
  const store = new MapStore(session)
  store.idleTimes.set(session.id, idleTime)
  return store
}
