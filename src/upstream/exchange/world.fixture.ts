/**
 * What tests of tokens for upstreams begin with: routes, people, and an issuer that is played.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { parseConfig } from '../../config/parse.ts'
import type { Session } from '../../session/session.ts'
import { playIssuer } from './issuer.fixture.ts'
import { keyOfTerms, type Wanted } from './tokens.ts'

export const NOW = Date.UTC(2026, 10, 23, 12)

export const ALICE: Session = {
  id: 'alice-session',
  idpId: 'idp-1',
  userId: 'idp/alice',
  email: 'alice@example.com',
  name: 'Alice',
  claims: {},
  groups: ['staff'],
  issuedAt: NOW - 60_000,
  expiresAt: NOW + 3_600_000,
  tokens: {
    accessToken: 'planted-access-token',
    accessTokenExpiresAt: undefined,
    refreshToken: 'planted-refresh-token',
    idToken: 'planted-id-token',
    idTokenExpiresAt: undefined,
  },
  version: 1,
}

export function routeWith(terms: object = {}) {
  const parsed = parseConfig(
    JSON.stringify({
      authenticate_service_url: 'https://authenticate.example.com',
      idp_provider: 'oidc',
      idp_provider_url: 'https://idp.example.com',
      idp_client_id: 'sallyport',
      idp_client_secret: 'secret',
      routes: [
        {
          from: 'https://app.example.com',
          to: 'http://127.0.0.1:1',
          allow_any_authenticated_user: true,
          upstream_token: { grant: 'token_exchange', audience: 'reports', ...terms },
        },
      ],
    }),
  )
  assert.ok('config' in parsed, JSON.stringify(parsed))
  const [route] = parsed.config.routes
  assert.ok(route?.upstream_token !== undefined)
  return { route, terms: route.upstream_token, termsKey: keyOfTerms(route.upstream_token) }
}

export const REPORTS = routeWith()

/** Alice's token for the reports, but for what is said otherwise. */
export const want = (wanted: Partial<Wanted> = {}): Wanted => {
  const session = 'session' in wanted ? wanted.session : ALICE
  return {
    ...REPORTS,
    session,
    subject: session && { token: session.tokens.accessToken ?? '', isGood: true },
    ...wanted,
  }
}

export function openWorld(options: { answerWithinMs?: number } = {}) {
  const clock = { now: NOW }
  const issuer = playIssuer(clock, options)
  const get = async (wanted: Partial<Wanted> = {}) => await issuer.tokens.tokenFor(want(wanted))
  const value = async (wanted: Partial<Wanted> = {}) => {
    const found = await get(wanted)
    return 'value' in found ? found.value : found.lack
  }
  return { clock, issuer, get, value }
}

export const personOf = (name: string, change: Partial<Session> = {}): Session => ({
  ...ALICE,
  id: `${name}-session`,
  userId: `idp/${name}`,
  tokens: { ...ALICE.tokens, accessToken: `${name}-access-token` },
  ...change,
})

export const SECOND = 1000
