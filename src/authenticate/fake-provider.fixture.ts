/**
 * Stands in for our own port to a provider (`IdentityProvider`): no server, no tokens, no network.
 *
 * Knows one code per sign-in, and what it says a test sets. For a server that speaks OpenID Connect there are
 * `test/harness/real-provider.ts` and `played-provider.ts`.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { Fault } from '../errors.ts'
import type { SignInFacts } from '../identity/openid/sign-in-facts.ts'
import type { Identity, IdentityProvider, RequestedAuthentication } from '../identity/provider.ts'
import type { SignOutHints } from '../identity/sign-out-hints.ts'
import { AUTHENTICATE, IDP } from './addresses.fixture.ts'

/** Knows one code per sign-in, and holds the caller to PKCE and nonce as a real one does. */
export class FakeProvider implements IdentityProvider {
  readonly id: string
  readonly name: string
  readonly label: string
  readonly origin: string
  readonly status = { state: 'ready' } as const
  readonly revoked: string[] = []
  readonly refreshes: string[] = []
  readonly rereads: string[] = []
  hasEndSession = true
  hasAccountChoice = false
  readonly letsChooseAccount = () => Promise.resolve(this.hasAccountChoice)
  idToken = 'planted-id-token'
  refreshEveryMs: number | undefined
  /** What each sign-in was asked to bring. */
  readonly demands: RequestedAuthentication[] = []
  /** When and how people show who they are there. */
  signInFacts: (demand: RequestedAuthentication) => SignInFacts = () => ({})
  /** Thrown instead of whatever is asked next. */
  fault: Fault | undefined
  readonly #codes = new Map<
    string,
    { readonly challenge: string; readonly nonce: string; readonly user: string }
  >()
  #count = 0

  constructor({ id = 'fake', name = 'default', label = 'Fake', origin = IDP } = {}) {
    this.id = id
    this.name = name
    this.label = label
    this.origin = origin
  }

  authorizationUrl(
    signIn: { oauthState: string; idTokenNonce: string; codeVerifier: string },
    demand: RequestedAuthentication = {},
  ): Promise<URL> {
    if (this.fault !== undefined) return Promise.reject(this.fault)
    this.demands.push(demand)
    const url = new URL('/authorize', this.origin)
    url.searchParams.set('state', signIn.oauthState)
    url.searchParams.set('nonce', signIn.idTokenNonce)
    url.searchParams.set('code_challenge', hash(signIn.codeVerifier))
    return Promise.resolve(url)
  }

  /** What the provider does when somebody signs in there: the address of the callback. */
  approve(authorizationUrl: URL, user: string): URL {
    const parameters = authorizationUrl.searchParams
    const code = `${this.id}-code-${(this.#count += 1)}`
    this.#codes.set(code, {
      challenge: parameters.get('code_challenge') ?? '',
      nonce: parameters.get('nonce') ?? '',
      user,
    })
    const callback = new URL('/oauth2/callback', AUTHENTICATE)
    callback.searchParams.set('code', code)
    callback.searchParams.set('state', parameters.get('state') ?? '')
    return callback
  }

  async exchange(callback: {
    callbackUrl: URL
    idTokenNonce: string
    codeVerifier: string
  }): Promise<Identity> {
    await Promise.resolve()
    if (this.fault !== undefined) throw this.fault
    const code = callback.callbackUrl.searchParams.get('code') ?? ''
    const known = this.#codes.get(code)
    this.#codes.delete(code)
    if (known === undefined) throw new Fault('IDP_REFUSED', 'invalid_grant: code unknown or used')
    if (known.challenge !== hash(callback.codeVerifier)) throw new Fault('IDP_REFUSED', 'invalid_grant: PKCE')
    if (known.nonce !== callback.idTokenNonce) throw new Fault('IDP_ANSWER_INVALID', 'nonce mismatch')
    const { tokens, ...identity } = identityOf(known.user)
    const { idToken } = this
    return { ...identity, tokens: { ...tokens, idToken }, ...this.signInFacts(this.demands.at(-1) ?? {}) }
  }

  async refresh(current: Identity): Promise<Identity> {
    await Promise.resolve()
    this.refreshes.push(current.userId)
    if (this.fault !== undefined) throw this.fault
    return { ...identityOf(current.userId), groups: ['refreshed'] }
  }

  async reread(current: Identity): Promise<Identity> {
    await Promise.resolve()
    this.rereads.push(current.userId)
    if (this.fault !== undefined) throw this.fault
    return { ...identityOf(current.userId), groups: ['reread'], tokens: current.tokens }
  }

  endSessionUrl(ask: SignOutHints & { postLogoutRedirectUri: string }): Promise<URL | undefined> {
    if (!this.hasEndSession) return Promise.resolve(undefined)
    const url = new URL('/end', this.origin)
    if (ask.idTokenHint !== undefined) url.searchParams.set('id_token_hint', ask.idTokenHint)
    if (ask.logoutHint !== undefined) url.searchParams.set('logout_hint', ask.logoutHint)
    url.searchParams.set('post_logout_redirect_uri', ask.postLogoutRedirectUri)
    return Promise.resolve(url)
  }

  revoke(tokens: { refreshToken: string | undefined }): Promise<void> {
    this.revoked.push(tokens.refreshToken ?? '')
    return Promise.resolve()
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function identityOf(user: string): Identity {
  return {
    userId: user,
    email: `${user}@example.com`,
    name: `<i>${user}</i>`,
    claims: { locale: ['de'], updated_at: ['1893456000'], badge: ['1893456000'], '<script>': ['alert(1)'] },
    groups: user === 'alice' ? ['staff'] : [],
    tokens: {
      accessToken: 'planted-access-token',
      accessTokenExpiresAt: undefined,
      refreshToken: 'planted-refresh-token',
      idToken: 'planted-id-token',
      idTokenExpiresAt: undefined,
    },
  }
}
