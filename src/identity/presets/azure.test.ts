import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PlayedRequest, Script } from '../../../test/harness/played-provider.ts'
import { Fault } from '../../errors.ts'
import { SECRETS, stage } from '../stage.fixture.ts'

const TENANT = '9c1f0000-0000-4000-8000-000000000001'
const OTHER_TENANT = '9c1f0000-0000-4000-8000-000000000002'
const OID = '0f0d0000-0000-4000-8000-00000000a11c'

const GRAPH = '/v1.0/me/transitiveMemberOf'
const group = (index: number) => ({ '@odata.type': '#microsoft.graph.group', id: `group-${index}` })
const OVERAGE = {
  _claim_names: { groups: 'src1' },
  _claim_sources: { src1: { endpoint: 'https://graph.windows.net/…/getMemberObjects' } },
}

/** An Entra ID whose address stands for any tenant: the issuer in its metadata is a template. */
function entra(claims: Record<string, unknown> = {}, graph?: Script['answer']): Script {
  const script: Script = {
    path: '/common/v2.0',
    metadata: (origin) => ({ issuer: `${origin}/{tenantid}/v2.0` }),
    userInfo: { name: 'Alice' },
    claims,
    ...(graph && { answer: graph }),
  }
  return script
}

async function setUp(t: Parameters<typeof stage>[0], script: Script, client = {}) {
  const made = await stage(t, script, { provider: 'azure', ...client })
  const { origin } = made.played
  const issuer = script.path === '/common/v2.0' ? `${origin}/${TENANT}/v2.0` : origin + script.path
  script.claims = { iss: issuer, tid: TENANT, oid: OID, email: 'alice@contoso.example', ...script.claims }
  return made
}

const refused = (code: string) => (error: unknown) => error instanceof Fault && error.code === code

describe('Entra ID, played by a local server,', () => {
  it('is asked for an account and a refresh token', async (t) => {
    const { provider } = await setUp(t, entra())
    const { searchParams } = await provider.authorizationUrl(SECRETS)
    assert.equal(searchParams.get('scope'), 'openid profile email offline_access')
    assert.equal(searchParams.get('prompt'), 'select_account')
  })

  it('knows people by their object id, which is the same for every client', async (t) => {
    const { signIn, provider } = await setUp(t, entra())
    const alice = await signIn()
    assert.equal(alice.userId, OID)
    assert.equal((await provider.refresh(alice)).userId, OID)
  })

  it('lets any tenant in by `common`, each under its own issuer', async (t) => {
    const script = entra()
    const { signIn, played } = await setUp(t, script)
    await signIn()
    script.claims = { ...script.claims, tid: OTHER_TENANT }
    await assert.rejects(signIn(), refused('IDP_ANSWER_INVALID'), 'the issuer of another tenant')
    script.claims = { ...script.claims, iss: `${played.origin}/{tenantid}/v2.0` }
    await assert.rejects(signIn(), refused('IDP_ANSWER_INVALID'), 'the template itself')
    script.claims = { ...script.claims, iss: `${played.origin}/${OTHER_TENANT}/v2.0` }
    assert.equal((await signIn()).userId, OID)
  })

  it('may have typed anybody’s address where any tenant may come, unless Microsoft vouches for the domain', async (t) => {
    const script = entra()
    const { signIn } = await setUp(t, script)
    const alice = await signIn()
    assert.equal(alice.email, undefined)
    assert.deepEqual(alice.claims['email'], ['alice@contoso.example'])
    for (const vouched of [true, '1', 1, 'true']) {
      script.claims = { ...script.claims, xms_edov: vouched }
      assert.equal((await signIn()).email, 'alice@contoso.example')
    }
    script.claims = { ...script.claims, xms_edov: false }
    assert.equal((await signIn()).email, undefined)
  })

  it('of a single tenant is believed its addresses', async (t) => {
    const script: Script = { path: `/${TENANT}/v2.0`, userInfo: {} }
    const { signIn } = await setUp(t, script)
    assert.equal((await signIn()).email, 'alice@contoso.example')
  })

  it('may be named by the domain of a tenant; the issuer is then that of its id', async (t) => {
    const script: Script = {
      path: '/contoso.example/v2.0',
      metadata: (origin) => ({ issuer: `${origin}/${TENANT}/v2.0` }),
      userInfo: {},
    }
    const { signIn, played } = await setUp(t, script)
    await assert.rejects(signIn(), refused('IDP_ANSWER_INVALID'))
    script.claims = { ...script.claims, iss: `${played.origin}/${TENANT}/v2.0` }
    assert.equal((await signIn()).email, 'alice@contoso.example')
  })

  it('puts groups into tokens while they are few, and Graph is not asked', async (t) => {
    const { signIn, played } = await setUp(t, entra({ groups: ['group-1', 'group-2'] }), {})
    assert.deepEqual((await signIn()).groups, ['group-1', 'group-2'])
    assert.equal(played.asked(GRAPH).length, 0)
  })
})

/** A Graph of 2,500 groups in pages, with a directory role among them. */
function pagedGraph(origin: string): NonNullable<Script['answer']> {
  return ({ url }: PlayedRequest) => {
    const page = Number(new URL(url, origin).searchParams.get('$skiptoken') ?? 0)
    const value = Array.from({ length: page < 2 ? 999 : 502 }, (_, index) => group(page * 999 + index))
    return {
      body: {
        value: [...value, { '@odata.type': '#microsoft.graph.directoryRole', id: `role-${page}` }],
        ...(page < 2 && { '@odata.nextLink': `${origin}${GRAPH}?$skiptoken=${page + 1}` }),
      },
    }
  }
}

/** Entra ID and Graph, a server each; tests change what Graph answers. */
async function withGraph(
  t: Parameters<typeof stage>[0],
  { claims = OVERAGE, graph_groups }: { claims?: object; graph_groups?: 'security' } = {},
) {
  const state: { answer: NonNullable<Script['answer']> | ReturnType<NonNullable<Script['answer']>> } = {
    answer: { body: { value: [group(1)] } },
  }
  const answer: Script['answer'] = (request) =>
    typeof state.answer === 'function' ? state.answer(request) : state.answer
  const { played: graph } = await stage(t, { answer }, { provider: 'oidc' })
  const made = await setUp(t, entra({ ...claims }), { graph_url: graph.origin, graph_groups })
  return { state, graph, ...made }
}

describe('groups that are too many for a token of Entra ID, played by a local server,', () => {
  for (const [how, claims] of Object.entries({ _claim_names: OVERAGE, hasgroups: { hasgroups: true } })) {
    it(`are asked of Microsoft Graph, page by page, with the token of the person (${how})`, async (t) => {
      const { state, graph, signIn } = await withGraph(t, { claims })
      state.answer = pagedGraph(graph.origin)
      const alice = await signIn()
      assert.equal(alice.groups.length, 2500)
      assert.ok(alice.groups.includes('group-2499'))
      assert.deepEqual(alice.claims['groups'], alice.groups)
      const asked = graph.asked(GRAPH)
      assert.equal(asked.length, 3)
      assert.ok(asked.every(({ headers }) => headers.authorization === `Bearer ${alice.tokens.accessToken}`))
    })
  }

  it('are unknown, never none, while Graph is out of order, and known again with the next refresh', async (t) => {
    const { state, signIn, provider } = await withGraph(t)
    state.answer = { status: 503 }
    const alice = await signIn()
    assert.equal(alice.groups, 'unknown')
    assert.equal(alice.claims['groups'], undefined)
    state.answer = { body: { value: [group(7)] } }
    const known = await provider.refresh(alice)
    assert.deepEqual(known.groups, ['group-7'])
    state.answer = { status: 429 }
    const kept = await provider.refresh(known)
    assert.deepEqual([kept.groups, kept.claims['groups']], [['group-7'], ['group-7']], 'it will pass')
    state.answer = { status: 403, body: { error: { code: 'Authorization_RequestDenied' } } }
    assert.equal((await provider.refresh(known)).groups, 'unknown', 'it may not say any more')
  })

  it('are unknown when there are more than we take, or the answer can’t be read', async (t) => {
    const { state, signIn } = await withGraph(t)
    const many = Array.from({ length: 5001 }, (_, index) => group(index))
    for (const body of [{ value: many }, { value: 'x' }, { value: [{ id: 7 }] }, []]) {
      state.answer = { body }
      assert.equal((await signIn()).groups, 'unknown')
    }
  })

  it('may be security groups only', async (t) => {
    const { signIn, graph } = await withGraph(t, { graph_groups: 'security' })
    assert.deepEqual((await signIn()).groups, ['group-1'])
    const [asked] = graph.asked(`${GRAPH}/microsoft.graph.group`)
    assert.equal(new URL(asked?.url ?? '', 'http://x').searchParams.get('$filter'), 'securityEnabled eq true')
    assert.equal(asked?.headers['consistencylevel'], 'eventual')
  })

  it('are asked of that server alone: a next page elsewhere never gets the token', async (t) => {
    const { state, signIn, played } = await withGraph(t)
    state.answer = {
      body: { value: [group(1)], '@odata.nextLink': `${played.origin}/steal` },
    }
    assert.equal((await signIn()).groups, 'unknown')
    assert.equal(played.asked('/steal').length, 0)
  })
})
