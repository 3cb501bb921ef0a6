import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '../errors.ts'
import {
  ALICE,
  authorizerFor,
  configOf,
  cookieOf,
  objectOf,
  referenceOf,
} from '../extauthz/authorizer.fixture.ts'
import type { Session } from '../session/session.ts'
import type { BearerSource } from './ports.ts'

const ROUTE = {
  from: 'https://app.example.com',
  name: 'app',
  to: 'http://127.0.0.1:1',
  pass_identity_headers: true,
}
const PUBLIC_ROUTE = { ...ROUTE, allow_public_unauthenticated_access: true }
const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }

const JWT_ROUTE = {
  ...ROUTE,
  allow_any_authenticated_user: true,
  bearer_token_format: 'jwt',
}
const ISSUERS = { identity_providers: { ci: { issuer: 'https://ci.example.com', audiences: ['app'] } } }
const WORKLOAD: Session = {
  ...ALICE,
  kind: 'workload',
  id: 'workload-00000000000000',
  idpId: '',
  userId: 'ci/job-1',
  email: undefined,
  name: undefined,
  groups: [],
}
/** The header of a token that is verified elsewhere. */
const CI_TOKEN = { authorization: 'Bearer eyJ.good.token' }

function bearerFixture(
  answer: BearerSource['session'] = () => WORKLOAD,
  { route = JWT_ROUTE, settings = ISSUERS }: { route?: object; settings?: object } = {},
) {
  const asked: string[] = []
  const bearer: BearerSource = {
    session(to, token, sourceAddress) {
      asked.push(token)
      return answer(to, token, sourceAddress)
    },
  }
  return Object.assign(authorizerFor(configOf([route], settings), { ports: { bearer } }), { asked })
}

describe('a bearer token', () => {
  it('that is verified makes its bearer known to policies, logs and the upstream, which never sees the token', async () => {
    using fixture = bearerFixture()
    for (const authorization of [
      'Bearer eyJ.good.token',
      'bearer  eyJ.good.token',
      'BEARER eyJ.good.token ',
    ]) {
      const answer = await fixture.ask({ headers: { authorization } })
      assert.ok(answer.isAllowed)
      assert.ok(answer.removed.includes('authorization'))
      assert.ok(answer.headers['x-pomerium-jwt-assertion'])
    }
    assert.deepEqual(new Set(fixture.asked), new Set(['eyJ.good.token']))
    assert.deepEqual(
      [fixture.lines.at(-1)?.['user'], fixture.lines.at(-1)?.['session-id']],
      ['ci/job-1', WORKLOAD.id],
    )
  })

  it('is not looked at on a route that does not say so, and goes to the upstream', async () => {
    using fixture = bearerFixture(undefined, { route: PUBLIC_ROUTE })
    const answer = await fixture.ask({ headers: CI_TOKEN })
    assert.ok(answer.isAllowed)
    assert.ok(!answer.removed.includes('authorization'))
    assert.deepEqual(fixture.asked, [])
  })

  it('is looked at everywhere when the global key says so, but where the route says otherwise', async () => {
    const settings = { ...ISSUERS, bearer_token_format: 'jwt' }
    using everywhere = bearerFixture(undefined, {
      route: { ...JWT_ROUTE, bearer_token_format: undefined },
      settings,
    })
    assert.ok((await everywhere.ask({ headers: CI_TOKEN })).isAllowed)
    using here = bearerFixture(undefined, {
      route: { ...JWT_ROUTE, bearer_token_format: 'default' },
      settings,
    })
    assert.equal((await here.ask({ headers: CI_TOKEN })).status, 401)
    assert.deepEqual(here.asked, [])
  })

  it('that is bad is 401 and its sender is told why, on public routes too, and never redirected', async () => {
    for (const route of [JWT_ROUTE, { ...PUBLIC_ROUTE, bearer_token_format: 'jwt' }]) {
      using fixture = bearerFixture(() => ({ problem: 'it has expired' }), { route })
      const answer = await fixture.ask({ headers: { ...NAVIGATION, ...CI_TOKEN } })
      assert.equal(answer.status, 401)
      assert.match(answer.body, /it has expired/)
      assert.match(
        answer.headers['www-authenticate'] ?? '',
        /^Bearer realm="app\.example\.com", error="invalid_token"$/,
      )
      assert.deepEqual(fixture.lines.at(-1)?.['allow-why-false'], ['invalid-token', 'it has expired'])
    }
  })

  it('that nobody could judge is a failure, 503, also where everyone may pass', async () => {
    for (const late of [true, false]) {
      using fixture = bearerFixture(
        () => {
          const fault = new Fault('IDP_UNREACHABLE', 'down')
          if (late) return Promise.reject(fault)
          throw fault
        },
        { route: { ...PUBLIC_ROUTE, bearer_token_format: 'jwt' } },
      )
      assert.equal((await fixture.ask({ headers: CI_TOKEN })).status, 503)
    }
  })

  it('that is one of too many bad ones is 429, with a time after which others are judged again', async () => {
    using fixture = bearerFixture(() => ({ problem: 'not now', isTooMany: true }))
    const { status, headers } = await fixture.ask({ headers: CI_TOKEN })
    assert.deepEqual([status, headers['retry-after']], [429, '60'])
  })

  it('may be answered late', async () => {
    using fixture = bearerFixture(() => Promise.resolve(WORKLOAD))
    assert.ok((await fixture.ask({ headers: CI_TOKEN })).isAllowed)
  })

  it('together with another identity is refused', async () => {
    using fixture = bearerFixture()
    for (const headers of [
      { ...CI_TOKEN, cookie: cookieOf(ALICE) },
      { ...CI_TOKEN, 'x-pomerium-authorization': referenceOf(ALICE) },
      { authorization: 'Bearer one,Bearer two' },
      { authorization: 'Bearer one, Basic eDp5' },
      { authorization: 'Basic eDp5, Bearer one' },
      { authorization: 'Basic eDp5,BEARER one' },
      { authorization: `Bearer one, Pomerium ${referenceOf(ALICE)}` },
    ])
      assert.equal((await fixture.ask({ headers })).status, 400, JSON.stringify(headers))
  })

  it('is not found in queries, cookies or other headers', async () => {
    using fixture = bearerFixture()
    for (const ask of [
      { path: '/?access_token=eyJ.good.token' },
      { headers: { cookie: 'access_token=eyJ.good.token; __Host-_pomerium=eyJ.good.token' } },
      { headers: { 'proxy-authorization': 'Bearer eyJ.good.token' } },
      { headers: { authorization: 'Basic eyJ.good.token' } },
    ])
      assert.ok([302, 401].includes((await fixture.ask(ask)).status))
    assert.deepEqual(fixture.asked, [])
  })

  it('without a token after the scheme is a bad one', async () => {
    using fixture = bearerFixture((_, token) =>
      token === '' ? { problem: 'it is not a well-formed JWT' } : WORKLOAD,
    )
    for (const authorization of ['Bearer', 'Bearer '])
      assert.equal((await fixture.ask({ headers: { authorization } })).status, 401)
  })

  it('leaves people as they are: no token, the usual sign-in', async () => {
    using fixture = bearerFixture()
    assert.equal((await fixture.ask({ headers: NAVIGATION })).status, 302)
    assert.ok((await fixture.ask({ headers: { cookie: cookieOf(ALICE) } })).isAllowed)
  })

  it('does not lend its answer to the next request without one', async () => {
    using fixture = bearerFixture(undefined, {
      route: { ...PUBLIC_ROUTE, bearer_token_format: 'jwt', pass_identity_headers: true },
    })
    const subject = async (headers: Record<string, string>) => {
      const { headers: sent } = await fixture.ask({ headers })
      const [, payload = ''] = (sent['x-pomerium-jwt-assertion'] ?? '').split('.')
      return payload === '' ? undefined : objectOf(Buffer.from(payload, 'base64url').toString())['sub']
    }
    assert.equal(await subject(CI_TOKEN), 'ci/job-1')
    assert.notEqual(await subject({}), 'ci/job-1')
    assert.equal(await subject(CI_TOKEN), 'ci/job-1')
  })

  it('does not reach the upstream by a header template either', async () => {
    const set_request_headers = { 'X-Copy': '$pomerium.request.headers["Authorization"]' }
    using fixture = bearerFixture(undefined, { route: { ...JWT_ROUTE, set_request_headers } })
    const answer = await fixture.ask({ headers: CI_TOKEN })
    assert.equal(answer.headers['x-copy'] ?? '', '')
    assert.ok(!JSON.stringify(fixture.lines).includes('good.token'), 'nor the log')
  })

  it('on a route that verifies tokens is refused as a failure where nobody can', async () => {
    using fixture = authorizerFor(configOf([JWT_ROUTE], ISSUERS))
    assert.equal((await fixture.ask({ headers: CI_TOKEN })).status, 500)
  })

  it('is what people are told of where nobody can sign in', async () => {
    const nobody = {
      ...ISSUERS,
      authenticate_service_url: undefined,
      idp_provider: undefined,
      idp_provider_url: undefined,
      idp_client_id: undefined,
      idp_client_secret: undefined,
    }
    using fixture = bearerFixture(undefined, { settings: nobody })
    const answer = await fixture.ask({ headers: NAVIGATION })
    assert.equal(answer.status, 401)
    assert.match(answer.body, /For programs only/)
    assert.ok((await fixture.ask({ headers: CI_TOKEN })).isAllowed)
  })
})
