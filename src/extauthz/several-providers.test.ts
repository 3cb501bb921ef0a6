import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { verifySignedUrl } from '../crypto/signed-url.ts'
import { sessionMark } from '../edge/sign-in-url.ts'
import { identityProviderId } from '../identity/provider-address.ts'
import {
  ALICE,
  authorizerFor,
  BOB,
  configOf,
  cookieOf,
  IDP,
  KEYS,
  MapStore,
  NOW,
  STAFF_ROUTE,
} from './authorizer.fixture.ts'

const PARTNERS = 'partners-idp'
const HTML = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }
const PARTNER = { ...ALICE, id: 'partner-session-0000000', idpId: PARTNERS }

/** A route whose providers tests change. */
function setUp(idpIds: readonly string[]) {
  const providers = { ids: idpIds }
  const store = new MapStore(ALICE, BOB, PARTNER)
  const fixture = authorizerFor(configOf([STAFF_ROUTE]), { store, ports: { idpIdsFor: () => providers.ids } })
  return { providers, ask: (ask: Parameters<typeof fixture.ask>[0]) => fixture.ask(ask) }
}

const cookie = (session: typeof ALICE) => ({ headers: { ...HTML, cookie: cookieOf(session) } })

const entry = (name: string) => ({
  provider: 'oidc',
  provider_url: `https://${name}.example.com`,
  client_id: name,
  client_secret: 'x',
})

describe('a route that takes sessions of several identity providers', () => {
  it('lets in who comes from any of them, and nobody from another', async () => {
    const { ask, providers } = setUp([IDP, PARTNERS])
    assert.ok((await ask(cookie(ALICE))).isAllowed)
    assert.ok((await ask(cookie(PARTNER))).isAllowed)
    providers.ids = ['a-third-one']
    for (const session of [ALICE, PARTNER]) assert.equal((await ask(cookie(session))).status, 302)
  })

  it('does not take somebody for another who has the same id elsewhere, and tells the app whose it is', async () => {
    const settings = { sign_in_providers: { partners: entry('partners') } }
    const own = identityProviderId('https://idp.example.com', 'sallyport')
    const partners = identityProviderId('https://partners.example.com', 'partners')
    const store = new MapStore({ ...ALICE, idpId: own }, { ...PARTNER, idpId: partners })
    const open = (route: object) =>
      authorizerFor(
        configOf([{ ...STAFF_ROUTE, policy: undefined, pass_identity_headers: true, ...route }], settings),
        {
          store,
          ports: { idpIdsFor: () => [own, partners] },
        },
      )
    const outcomes = async (route: object) => {
      using fixture = open(route)
      return [(await fixture.ask(cookie(ALICE))).isAllowed, (await fixture.ask(cookie(PARTNER))).isAllowed]
    }
    const id = ALICE.userId
    assert.deepEqual(await outcomes({ allowed_users: [id] }), [true, false])
    assert.deepEqual(await outcomes({ allowed_users: [`partners/${id}`] }), [false, true])
    const anybody = { allow_any_authenticated_user: true }
    const denied = (text: string) => ({ ...anybody, policy: [{ deny: { or: [{ user: text }] } }] })
    assert.deepEqual(await outcomes(denied(id)), [false, false])
    assert.deepEqual(await outcomes(denied(`default/${id}`)), [false, true])
    using fixture = open(anybody)
    const idps = [ALICE, PARTNER].map(async (who) => {
      const { headers } = await fixture.ask(cookie(who))
      return decodeJwt(headers['x-pomerium-jwt-assertion'] ?? '')['idp']
    })
    assert.deepEqual(await Promise.all(idps), ['default', 'partners'])
  })

  it('sends others to choose among them, in an address that says which and can’t be changed', async () => {
    const { ask } = setUp([IDP, PARTNERS])
    const url = new URL((await ask({ headers: HTML })).headers['location'] ?? '')
    assert.equal(url.searchParams.get('pomerium_idp_id'), `${IDP},${PARTNERS}`)
    verifySignedUrl(url, KEYS.url, NOW)
    url.searchParams.set('pomerium_idp_id', 'another')
    assert.throws(() => verifySignedUrl(url, KEYS.url, NOW))
  })

  it('names the one where there is one, as ever', async () => {
    const { ask } = setUp([PARTNERS])
    const url = new URL((await ask(cookie(ALICE))).headers['location'] ?? '')
    assert.equal(url.searchParams.get('pomerium_idp_id'), PARTNERS)
  })

  it('forgets at once who came from a provider that is taken away, answers kept for them included', async () => {
    const { ask, providers } = setUp([IDP, PARTNERS])
    assert.ok((await ask(cookie(PARTNER))).isAllowed)
    assert.ok((await ask(cookie(PARTNER))).isAllowed, 'from memory')
    providers.ids = [IDP]
    assert.equal((await ask(cookie(PARTNER))).status, 302)
  })

  it('tells two people in one request from a foreign session beside a good one', async () => {
    const { ask, providers } = setUp([IDP, PARTNERS])
    const both = { headers: { ...HTML, cookie: `${cookieOf(ALICE)}; ${cookieOf(PARTNER)}` } }
    assert.equal((await ask(both)).status, 400)
    providers.ids = [PARTNERS]
    assert.ok((await ask(both)).isAllowed)
  })

  it('offers whoever may not pass another provider, and not a sign-out', async () => {
    const { ask } = setUp([IDP, PARTNERS])
    const { status, body, headers } = await ask({ path: '/deep?x=1', ...cookie(BOB) })
    assert.equal(status, 403)
    const [, href = ''] = /href="([^"]+)">Use another account/.exec(body) ?? []
    const url = new URL(href.replaceAll('&amp;', '&'))
    assert.equal(url.searchParams.get('pomerium_choose'), sessionMark(BOB.id))
    assert.equal(url.searchParams.get('pomerium_redirect_uri'), 'https://app.example.com/deep?x=1')
    verifySignedUrl(url, KEYS.url, NOW + 50 * 60_000)
    assert.equal(url.origin + url.pathname, 'https://app.example.com/.pomerium/sign_in')
    assert.equal(headers['set-cookie'], undefined, 'the browser is tied to the sign-in when it begins')
  })

  it('offers another account where there is one provider as well, and nothing of it to programs', async () => {
    const { ask, providers } = setUp([IDP, PARTNERS])
    const json = await ask({ headers: { accept: 'application/json', cookie: cookieOf(BOB) } })
    assert.deepEqual([json.status, json.headers['set-cookie']], [403, undefined])
    providers.ids = [IDP]
    const { body, headers } = await ask(cookie(BOB))
    assert.match(body, /pomerium_idp_id=[^&]+&amp;[^"]+">Use another account/)
    assert.equal(headers['set-cookie'], undefined)
  })
})
