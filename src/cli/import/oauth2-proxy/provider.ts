/**
 * The identity provider of oauth2-proxy, in keys of ours.
 *
 * @module
 */
import { isKeyed } from '../../../config/file/yaml-file.ts'
import type { ProviderKind } from '../../../config/keys/sign-in/provider-kinds.ts'
import { type DraftSetting, FILL_IN } from '../draft.ts'
import type { GivenSettings } from './read.ts'

const KINDS: Readonly<Record<string, ProviderKind>> = {
  azure: 'azure',
  'entra-id': 'azure',
  github: 'github',
  gitlab: 'gitlab',
  google: 'google',
  'keycloak-oidc': 'keycloak',
  oidc: 'oidc',
}

/** Those whose issuer needs no address. */
const WITHOUT_ADDRESS: ReadonlySet<ProviderKind> = new Set(['github', 'gitlab', 'google'])

export interface ImportedProvider {
  readonly settings: readonly DraftSetting[]
  readonly groups: readonly string[]
  readonly roles: readonly string[]
}

const textsIn = (value: unknown, key: string): readonly string[] => {
  const found = isKeyed(value) ? value[key] : undefined
  return (Array.isArray(found) ? found : [found]).flatMap((each: unknown) =>
    typeof each === 'string' || typeof each === 'boolean' ? [String(each)] : [],
  )
}

const setting = (key: string, value: unknown, ...notes: readonly string[]) => ({ key, value, notes })

/** What both structures say, by the names of the .cfg file. */
function saidBy(given: GivenSettings): (key: string) => readonly string[] {
  const listed = given.alpha?.['providers']
  const [first, another] = Array.isArray(listed) ? listed : []
  if (another !== undefined)
    given.remarks.add(
      'providers',
      'has several: the first is taken, write the others under `sign_in_providers`',
    )
  const parts = (name: string): unknown => (isKeyed(first) ? first[name] : undefined)
  const structured: Readonly<Record<string, () => readonly string[]>> = {
    provider: () => textsIn(first, 'provider'),
    client_id: () => textsIn(first, 'clientID'),
    client_secret: () => textsIn(first, 'clientSecret'),
    client_secret_file: () => textsIn(first, 'clientSecretFile'),
    scope: () => textsIn(first, 'scope'),
    acr_values: () => textsIn(first, 'acrValues'),
    allowed_groups: () => [...textsIn(first, 'allowedGroups'), ...textsIn(parts('keycloakConfig'), 'groups')],
    allowed_roles: () => textsIn(parts('keycloakConfig'), 'roles'),
    oidc_issuer_url: () => textsIn(parts('oidcConfig'), 'issuerURL'),
    oidc_groups_claim: () => textsIn(parts('oidcConfig'), 'groupsClaim'),
    oidc_email_claim: () => textsIn(parts('oidcConfig'), 'emailClaim'),
    oidc_extra_audiences: () => textsIn(parts('oidcConfig'), 'extraAudiences'),
    insecure_oidc_allow_unverified_email: () => textsIn(parts('oidcConfig'), 'insecureAllowUnverifiedEmail'),
    azure_tenant: () => [
      ...textsIn(parts('azureConfig'), 'tenant'),
      ...textsIn(parts('microsoftEntraIDConfig'), 'tenant'),
    ],
  }
  return (key) => {
    const found = structured[key]?.() ?? []
    return found.length > 0 ? found : (given.values.get(key)?.values.filter((text) => text !== '') ?? [])
  }
}

export function providerOf(given: GivenSettings): ImportedProvider {
  const { remarks } = given
  const said = saidBy(given)
  const one = (key: string) => said(key)[0]
  const name = one('provider') ?? 'google'
  const kind = KINDS[name]
  const settings: DraftSetting[] = [
    kind === undefined
      ? setting(
          'idp_provider',
          'oidc',
          remarks.add('provider', `"${name}" has no kind of its own here: it must speak OpenID Connect`),
        )
      : setting('idp_provider', kind),
  ]
  const [tenant] = said('azure_tenant')
  const issuer =
    one('oidc_issuer_url') ??
    (kind === 'azure' && tenant !== undefined
      ? `https://login.microsoftonline.com/${tenant}/v2.0`
      : undefined)
  if (issuer !== undefined) settings.push(setting('idp_provider_url', issuer))
  else if (kind === undefined || !WITHOUT_ADDRESS.has(kind))
    settings.push(
      setting(
        'idp_provider_url',
        `https://${FILL_IN}.invalid`,
        remarks.add('oidc_issuer_url', 'is not set: write the address of the provider'),
      ),
    )
  if (issuer?.startsWith('http:') === true)
    settings.push(
      setting(
        'idp_allow_insecure_http',
        true,
        remarks.add('oidc_issuer_url', 'is plain HTTP, as before: tokens can be read on the way'),
      ),
    )
  settings.push(setting('idp_client_id', one('client_id') ?? FILL_IN))
  const file = one('client_secret_file')
  if (file !== undefined) settings.push(setting('idp_client_secret_file', file))
  else {
    const secret = one('client_secret')
    settings.push(setting('idp_client_secret', secret ?? FILL_IN))
    if (secret !== undefined)
      remarks.add('client_secret', 'is copied as it is: a file that others do not read is a better place')
  }
  const scopes = (one('scope') ?? '').split(/[\s,]+/).filter((scope) => scope !== '')
  if (scopes.length > 0)
    settings.push(
      setting('idp_scopes', kind === 'github' || scopes.includes('openid') ? scopes : ['openid', ...scopes]),
    )
  const groups = one('oidc_groups_claim')
  if (groups !== undefined && groups !== 'groups') settings.push(setting('idp_groups_claim', groups))
  const mail = one('oidc_email_claim')
  if (mail !== undefined && mail !== 'email') settings.push(setting('idp_email_claim', mail))
  if (said('oidc_extra_audiences').length > 0)
    remarks.add('oidc_extra_audiences', 'are not taken: a bearer token must be for the client itself')
  const limits = { groups: said('allowed_groups'), roles: said('allowed_roles') }
  const isStructured = given.alpha !== undefined
  return {
    settings: inOnePlace(settings),
    groups: isStructured ? limits.groups : [],
    roles: isStructured ? limits.roles : [],
  }
}

/** What a claim is called can be said only of a provider with a name. */
function inOnePlace(settings: readonly DraftSetting[]): readonly DraftSetting[] {
  if (!settings.some(({ key }) => key.endsWith('_claim'))) return settings
  const notes = settings.flatMap((each) => each.notes)
  const value = Object.fromEntries(settings.map((each) => [each.key.replace('idp_', ''), each.value]))
  return [{ key: 'sign_in_providers', value: { main: value }, notes }]
}
