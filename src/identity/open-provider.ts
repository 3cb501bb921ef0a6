/**
 * The right implementation for a provider.
 *
 * @module
 */
import { openGitHubProvider } from './github/github-provider.ts'
import { type IdentityProviderOptions, openOpenIdProvider } from './openid/openid-provider.ts'
import type { OpenProvider } from './provider.ts'

/** @throws {Fault} IDP_NOT_CONFIGURED */
export function openProvider(options: IdentityProviderOptions): OpenProvider {
  return options.client.provider === 'github' ? openGitHubProvider(options) : openOpenIdProvider(options)
}
