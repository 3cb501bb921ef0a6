/**
 * The kinds of identity provider, and what the configuration must know of each.
 *
 * How a kind is spoken to is said in identity/presets.
 *
 * @module
 */

export const PROVIDER_KINDS = [
  'oidc',
  'apple',
  'auth0',
  'azure',
  'cognito',
  'github',
  'gitlab',
  'google',
  'keycloak',
  'okta',
  'onelogin',
  'ping',
] as const

export type ProviderKind = (typeof PROVIDER_KINDS)[number]

/** Kinds whose address is one and the same for everybody, or for everybody without a server of their own. */
export const KNOWN_ISSUERS: Readonly<Partial<Record<ProviderKind, string>>> = {
  apple: 'https://appleid.apple.com',
  github: 'https://github.com',
  gitlab: 'https://gitlab.com',
  google: 'https://accounts.google.com',
}

/** Kinds that speak OAuth 2.0 without OpenID Connect: there is no scope `openid`. */
export const WITHOUT_OPENID: ReadonlySet<ProviderKind> = new Set(['github'])
