/**
 * The identity providers in their final form, and which of them a route takes.
 *
 * @module
 */
import { parsePrivateKey } from '../../../crypto/x509/certificate.ts'
import type { Resolver } from '../../resolver.ts'
import type { Frozen } from '../../values/freeze.ts'
import { type ReferenceKeys, withoutReferences } from '../../values/reference.ts'
import { Secret } from '../../values/secret.ts'
import type { SettingsKeys } from '../settings-schema.ts'
import { KNOWN_ISSUERS } from './provider-kinds.ts'
import type { ProviderEntry } from './sign-in-providers.ts'

/** Of the plain `idp_…` keys. */
export const DEFAULT_PROVIDER = 'default'

type ReplacedKeys = 'provider_url' | ReferenceKeys<ProviderEntry>

/** One OAuth client at one identity provider. */
export interface SignInProvider extends Frozen<Omit<ProviderEntry, ReplacedKeys>> {
  /** Its key in the map, or `default`. */
  readonly name: string
  readonly provider_url: string
  readonly client_secret: Secret | undefined
  /** PEM of an EC P-256 key. */
  readonly private_key?: Secret | undefined
}

/**
 * The one of the plain keys first, then those of the map in its order. What is only half there is left out.
 */
export function resolveProviders(
  keys: SettingsKeys,
  defaultSecret: Secret | undefined,
  resolver: Resolver,
): readonly SignInProvider[] {
  const { idp_provider: provider, idp_client_id: client_id } = keys
  const provider_url = keys.idp_provider_url ?? (provider && KNOWN_ISSUERS[provider])
  const plain: SignInProvider[] =
    provider === undefined || client_id === undefined || provider_url === undefined
      ? []
      : [
          {
            name: DEFAULT_PROVIDER,
            provider,
            provider_url,
            client_id,
            client_secret: defaultSecret,
            ...(keys.idp_allow_insecure_http === true && { allow_insecure_http: true }),
            ...(keys.idp_scopes && { scopes: keys.idp_scopes }),
            ...(keys.idp_request_params && { request_params: keys.idp_request_params }),
          },
        ]
  const listed = Object.entries(keys.sign_in_providers ?? {}).flatMap(([name, entry]) => {
    const { provider_url: url, ...rest } = withoutReferences(entry)
    const at = ['sign_in_providers', name]
    const secret = resolver.secret(entry, 'client_secret', at)
    const key = resolver.either(entry, 'private_key', at)
    if (key !== undefined && !isSigningKey(key.text))
      resolver.fail(
        key.path,
        'must be the private key (PEM, EC P-256) that Apple gave for Sign in with Apple',
      )
    const known = url ?? KNOWN_ISSUERS[rest.provider]
    return known === undefined
      ? []
      : [
          {
            ...rest,
            name,
            provider_url: known,
            client_secret: secret,
            ...(key && { private_key: Secret.of(key.text) }),
          },
        ]
  })
  return [...plain, ...listed]
}

function isSigningKey(text: string): boolean {
  const parsed = parsePrivateKey(text)
  return 'value' in parsed && parsed.value.key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
}

/** What a route says of its providers. */
interface RouteChoice {
  readonly sign_in_providers?: readonly string[] | undefined
  readonly idp_client_id?: string | undefined
  readonly idp_client_secret: Secret | undefined
}

/** The clients whose sessions count on a route; with a client of its own, that one alone. */
export function clientsOf(
  route: RouteChoice,
  providers: readonly SignInProvider[],
): readonly SignInProvider[] {
  const { sign_in_providers: named, idp_client_id: client_id, idp_client_secret: client_secret } = route
  if (client_id === undefined)
    return named === undefined ? providers : providers.filter(({ name }) => named.includes(name))
  const base = providerOfClient(route, providers)
  return base === undefined ? [] : [{ ...base, client_id, client_secret }]
}

/**
 * The provider at which a route's own client is registered: the single one that it may take, or the default
 * one.
 */
export function providerOfClient(
  { sign_in_providers: named }: RouteChoice,
  providers: readonly SignInProvider[],
): SignInProvider | undefined {
  if (named !== undefined)
    return named.length === 1 ? providers.find(({ name }) => name === named[0]) : undefined
  return providers.length === 1 ? providers[0] : providers.find(({ name }) => name === DEFAULT_PROVIDER)
}
