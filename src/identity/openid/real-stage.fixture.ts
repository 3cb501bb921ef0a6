/**
 * A real OpenID provider, and ours that speaks to it.
 *
 * @module
 */
import type { TestContext } from 'node:test'
import {
  type Account,
  type RealProvider,
  type RealProviderOptions,
  signInThere,
  startRealProvider,
} from '../../../test/harness/real-provider.ts'
import { Secret, type SignInProvider } from '../../config/config.ts'
import { testClient } from '../client.fixture.ts'
import type { Identity, IdentityProvider, RequestedAuthentication } from '../provider.ts'
import { REDIRECT_URI, SECRETS } from '../stage.fixture.ts'
import { type IdentityProviderOptions, openOpenIdProvider } from './openid-provider.ts'

export const SIGNED_OUT_URI = 'https://auth.example.com/.pomerium/signed_out'

const CLIENT_SECRET = 'a secret with: odd/characters+and%20more'

const ALICE: Account = {
  email: 'alice@example.com',
  name: 'Alice',
  groups: ['staff', 'admins'],
  claims: { address: { locality: 'Ulm' } },
}
const BOB: Account = { email: 'bob@example.com', name: 'Bob', groups: [] }

export async function startReal(
  t: TestContext,
  options: Partial<RealProviderOptions> = {},
): Promise<RealProvider> {
  const real = await startRealProvider({
    redirectUris: [REDIRECT_URI],
    postLogoutRedirectUris: [SIGNED_OUT_URI],
    clientSecret: CLIENT_SECRET,
    accounts: { alice: ALICE, bob: BOB },
    host: 'idp.localhost',
    ...options,
  })
  t.after(() => real[Symbol.asyncDispose]())
  return real
}

export function openOurs(
  t: TestContext,
  issuer: string,
  change: Partial<SignInProvider> = {},
  options: Partial<IdentityProviderOptions> = {},
) {
  const provider = openOpenIdProvider({
    client: testClient({
      provider_url: issuer,
      client_secret: Secret.of(CLIENT_SECRET),
      scopes: ['openid', 'profile', 'email', 'groups', 'address', 'offline_access'],
      ...change,
    }),
    redirectUri: REDIRECT_URI,
    ...options,
  })
  t.after(() => provider[Symbol.asyncDispose]())
  return provider
}

/** All the way: to the provider, and back with a code. */
export async function signIn(
  provider: IdentityProvider,
  {
    login = 'alice',
    ca,
    demand,
  }: { readonly login?: string; readonly ca?: string; readonly demand?: RequestedAuthentication } = {},
): Promise<Identity> {
  const url = await provider.authorizationUrl(SECRETS, demand)
  const callbackUrl = await signInThere(url, login, { ...(ca !== undefined && { ca }) })
  return provider.exchange({ ...SECRETS, callbackUrl })
}

/** What the provider says of Alice from now on. */
export function sayOfAlice(real: RealProvider, change: Partial<Account>): void {
  real.accounts.set('alice', { ...ALICE, ...change })
}
