/**
 * A played provider, and ours that speaks to it.
 *
 * @module
 */
import type { TestContext } from 'node:test'
import { PlayedProvider, type Script } from '../../test/harness/played-provider.ts'
import type { SignInProvider } from '../config/config.ts'
import { testClient } from './client.fixture.ts'
import { openProvider } from './open-provider.ts'
import type { IdentityProviderOptions } from './openid/openid-provider.ts'
import type { Identity, OpenProvider } from './provider.ts'

export const REDIRECT_URI = 'https://auth.example.com/oauth2/callback'
export const SECRETS = { oauthState: 'state-1', idTokenNonce: 'nonce-1', codeVerifier: 'v'.repeat(43) }

export interface Stage {
  readonly played: PlayedProvider
  readonly provider: OpenProvider
  /** All the way: to the provider, and back with a code. */
  readonly signIn: (more?: Readonly<Record<string, string>>) => Promise<Identity>
}

export async function stage(
  t: TestContext,
  script: Script,
  client: Partial<SignInProvider> & Pick<SignInProvider, 'provider'>,
  options: Partial<IdentityProviderOptions> = {},
): Promise<Stage> {
  const played = await PlayedProvider.start(script)
  const provider = openProvider({
    client: testClient({ provider_url: played.issuer, ...client }),
    redirectUri: REDIRECT_URI,
    ...options,
  })
  t.after(async () => {
    await provider[Symbol.asyncDispose]()
    await played[Symbol.asyncDispose]()
  })
  return {
    played,
    provider,
    async signIn(more) {
      const callbackUrl = played.approve(await provider.authorizationUrl(SECRETS), more)
      return provider.exchange({ ...SECRETS, callbackUrl })
    },
  }
}
