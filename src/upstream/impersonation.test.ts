import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ALICE,
  type Answer,
  authorizerFor,
  configOf,
  cookieOf,
  MapStore,
  STAFF_ROUTE,
} from '../extauthz/authorizer.fixture.ts'

const TOKEN = 'planted-service-account-token'
const CLUSTER = { ...STAFF_ROUTE, kubernetes_service_account_token: TOKEN }
const alice = { headers: { cookie: cookieOf(ALICE) } }

async function ask(session: Partial<typeof ALICE>, route: object = {}, settings: object = {}) {
  using fixture = authorizerFor(configOf([{ ...CLUSTER, ...route }], settings), {
    store: new MapStore({ ...ALICE, ...session }),
  })
  return { answer: await fixture.ask(alice), lines: fixture.lines }
}

const groupsIn = ({ headers }: Answer) => headers['x-pomerium-impersonate-groups']

describe('a request to a Kubernetes API', () => {
  it('goes out with the token of the service account, in the name of the user and their groups', async () => {
    const { answer, lines } = await ask({})
    assert.equal(answer.headers['authorization'], `Bearer ${TOKEN}`)
    assert.equal(answer.headers['impersonate-user'], 'alice@example.com')
    assert.equal(groupsIn(answer), 'staff,everyone')
    assert.ok(!JSON.stringify(lines).includes(TOKEN))
  })

  it('says groups so that commas and percent signs stay what they are', async () => {
    assert.equal(
      groupsIn((await ask({ groups: ['staff', 'a,b', '%2C', 'ü'] })).answer),
      'staff,a%2Cb,%252C,ü',
    )
  })

  it('leaves out groups that would arrive under another name, or under one of Kubernetes’ own', async () => {
    const groups = ['staff', '', ' admins', 'admins\t', 'a\r\nb', 'nul\0', 'system:masters', 'xsystem:y']
    const { answer, lines } = await ask({ groups })
    assert.equal(groupsIn(answer), 'staff,xsystem:y')
    assert.equal(lines[0]?.['removed-groups-count'], 6)
  })

  it('says a group of Kubernetes’ own only where the operator names that very group', async () => {
    const groups = ['staff', 'system:masters']
    const groupsFor = async (route: object, settings: object = {}) =>
      groupsIn((await ask({ groups }, route, settings)).answer)
    assert.equal(await groupsFor({ jwt_groups_filter: ['staff', 'system:masters'] }), 'staff,system:masters')
    assert.equal(
      await groupsFor({ policy: [{ allow: { or: [{ groups: 'system:masters' }] } }] }),
      'staff,system:masters',
    )
    assert.equal(await groupsFor({ jwt_groups_filter: { prefixes: ['s'] } }), 'staff')
    assert.equal(await groupsFor({ jwt_groups_filter: { patterns: ['.*'] } }), 'staff')
  })

  it('says the groups that the filter lets through, and none when they are not known', async () => {
    assert.equal(groupsIn((await ask({}, { jwt_groups_filter: { mentioned: true } })).answer), 'staff')
    assert.equal(groupsIn((await ask({}, {}, { jwt_groups_filter: [] })).answer), '')
    const unknown = await ask(
      { groups: 'unknown' },
      { policy: undefined, allow_any_authenticated_user: true },
    )
    assert.equal(groupsIn(unknown.answer), '')
  })

  it('says those that the policies name when there are more than fit, and the log says so', async () => {
    const groups = ['staff', ...Array.from({ length: 2000 }, (_, n) => `group-with-a-long-name-${n}`)]
    const { answer, lines } = await ask({ groups })
    assert.equal(groupsIn(answer), 'staff')
    assert.equal(lines.at(-1)?.['removed-groups-count'], 2000)
    assert.equal(lines.filter(({ level }) => level === 'warn').length, 1)
    const few = await ask({ groups: groups.slice(0, 40) }, { identity_headers_limit: 1024 })
    assert.equal(groupsIn(few.answer), 'staff')
  })

  it('takes the name from the claim that the route says', async () => {
    const claims = { login: ['alice'], roles: ['viewer', 'editor'], many: ['a', 'b'] }
    const userWith = async (claim: string, session: Partial<typeof ALICE> = { claims }) => {
      const { answer } = await ask(session, { kubernetes_impersonate_user_claim: claim })
      return answer.isAllowed ? answer.headers['impersonate-user'] : answer.status
    }
    assert.equal(await userWith('login'), 'alice')
    assert.equal(await userWith('sub'), 'idp/alice')
    for (const claim of ['missing', 'many', 'constructor']) assert.equal(await userWith(claim), 403)
    const { answer } = await ask({ claims }, { kubernetes_impersonate_groups_claim: 'roles' })
    assert.equal(groupsIn(answer), 'viewer,editor')
    assert.equal(groupsIn((await ask({}, { kubernetes_impersonate_groups_claim: 'roles' })).answer), '')
  })

  it('is refused for somebody who has no name there, or one that is not theirs to have', async () => {
    for (const email of [undefined, '', 'system:admin', ' alice@example.com', 'a\nb@example.com']) {
      const { answer } = await ask({ email })
      assert.equal(answer.status, 403, String(email))
      assert.match(answer.body, /can.t be told who you are|name_missing/)
    }
  })

  it('speaks for a machine by its id when it has no address', async () => {
    const machine = { kind: 'workload', email: undefined, userId: 'ci/repo:org/app' } as const
    const { answer } = await ask(machine)
    assert.equal(answer.headers['impersonate-user'], 'ci/repo:org/app')
    assert.equal((await ask({ ...machine, userId: 'system:node:a' })).answer.status, 403)
  })

  it('is answered as Kubernetes answers when nobody is signed in', async () => {
    using fixture = authorizerFor(
      configOf([{ ...CLUSTER, policy: [{ allow: { and: [{ accept: true }] } }] }]),
    )
    const { status, body } = await fixture.ask({
      headers: { 'user-agent': 'kubectl/v1.34.2 (linux/amd64) kubernetes/8cc511e' },
    })
    const { kind, reason, code } = JSON.parse(body) as Record<string, unknown>
    assert.deepEqual([status, kind, reason, code], [401, 'Status', 'Unauthorized', 401])
  })

  it('loses what the client says of impersonation, as do all routes', async () => {
    const forged = { 'impersonate-uid': '0', 'impersonate-extra-x': '1', 'x-remote-extra-y': '2' }
    for (const route of [CLUSTER, STAFF_ROUTE]) {
      using fixture = authorizerFor(configOf([route]))
      const { removed } = await fixture.ask({ headers: { ...alice.headers, ...forged } })
      for (const name of Object.keys(forged)) assert.ok(removed.includes(name), name)
    }
  })
})
