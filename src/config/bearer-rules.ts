/**
 * What must hold between the keys about bearer tokens.
 *
 * @module
 */
import type { ConfigPath, Mistake, Settings } from './config.ts'
import { IN_CLUSTER, type MachineIssuer, machineIssuerOf } from './machine-issuers.ts'
import { looseTrust, pinProblem } from './public-issuers.ts'
import { mistake } from './rule.ts'
import type { PlacedRoute } from './rules.ts'
import type { SettingsKeys } from './settings-schema.ts'

type Entries = NonNullable<SettingsKeys['identity_providers']>

/** Of the global map. */
export function identityProviderMistakes({ identity_providers: entries }: SettingsKeys): Mistake[] {
  if (entries === undefined) return []
  const seen = new Map<string, string>()
  return Object.entries(entries).flatMap(([name, entry]) => {
    const issuer = machineIssuerOf(name, entry)
    const at = (key: keyof Entries[string], message: string) =>
      mistake(['identity_providers', name, key], message)
    const own = issuer.issuer ?? `spiffe://${issuer.trustDomain}`
    const twin = seen.get(own)
    seen.set(own, twin ?? name)
    return [
      ...addressMistakes(issuer, at),
      ...spiffeMistakes(name, entry),
      ...(twin === undefined
        ? []
        : [
            at(
              entry.issuer === undefined ? 'preset' : 'issuer',
              `is the issuer of "${twin}" too: whose token it is could not be told`,
            ),
          ]),
      ...Object.entries(issuer.claims).flatMap(([claim, pin]) => {
        const wrong = pinProblem(pin)
        return wrong === undefined
          ? []
          : [{ path: ['identity_providers', name, 'claims', claim], message: wrong }]
      }),
      ...trustMistakes(name, issuer, entry),
    ]
  })
}

function addressMistakes(
  { issuer, jwksUrl, trustDomain }: MachineIssuer,
  at: (key: 'issuer' | 'jwks_url' | 'preset', message: string) => Mistake,
): Mistake[] {
  const mistakes: Mistake[] = []
  if (issuer === undefined && trustDomain === undefined)
    mistakes.push(at('preset', 'needs `issuer` or a `preset` that knows it'))
  if (issuer === IN_CLUSTER && jwksUrl !== undefined)
    mistakes.push(
      at('jwks_url', `cannot stand beside the issuer ${IN_CLUSTER}, whose keys the API server has`),
    )
  if (issuer !== undefined && issuer !== IN_CLUSTER) {
    const wrong = urlProblem(issuer, jwksUrl !== undefined)
    if (wrong !== undefined) mistakes.push(at('issuer', wrong))
  }
  const wrong = jwksUrl === undefined ? undefined : urlProblem(jwksUrl, false)
  if (wrong !== undefined) mistakes.push(at('jwks_url', wrong))
  return mistakes
}

/** @param isNameOnly whether nobody is asked at this address */
function urlProblem(text: string, isNameOnly: boolean): string | undefined {
  const url = URL.parse(text)
  if (url === null) return isNameOnly ? undefined : 'is not a URL'
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  if (url.protocol === 'https:' || (isNameOnly && url.protocol !== 'http:')) return undefined
  if (url.protocol === 'http:' && isLoopback(url.hostname)) return undefined
  return 'must be an https URL; plain http is for an issuer on this machine only'
}

function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}

function spiffeMistakes(
  name: string,
  { preset, trust_domain, jwks_url, issuer }: Entries[string],
): Mistake[] {
  const at = (key: string, message: string) => mistake(['identity_providers', name, key], message)
  if (preset !== 'spiffe')
    return trust_domain === undefined ? [] : [at('trust_domain', 'is for `preset: spiffe` only')]
  return [
    ...(trust_domain === undefined ? [at('preset', 'needs `trust_domain` beside it')] : []),
    ...(jwks_url === undefined && issuer === undefined
      ? [at('preset', 'needs `jwks_url` beside it: where the bundle of the trust domain is served')]
      : []),
  ]
}

function trustMistakes(name: string, { issuer, claims }: MachineIssuer, entry: Entries[string]): Mistake[] {
  const loose = issuer === undefined ? undefined : looseTrust(issuer, claims)
  if (loose === undefined) return []
  const key = entry.claims !== undefined ? 'claims' : entry.issuer === undefined ? 'preset' : 'issuer'
  return [mistake(['identity_providers', name, key], loose)]
}

/**
 * Of routes, and of the global format.
 *
 * @param names of the issuers that the file gives, right or wrong in themselves
 */
export function bearerMistakes(
  routes: readonly PlacedRoute[],
  settings: Settings,
  names: readonly string[],
): Mistake[] {
  const global = settings.bearer_token_format
  return [
    ...formatMistakes(['bearer_token_format'], global, names),
    ...routes.flatMap(({ route, path }) => {
      const format = route.bearer_token_format ?? global
      const listed = route.identity_providers
      const at = [...path, 'identity_providers']
      return [
        ...formatMistakes([...path, 'bearer_token_format'], route.bearer_token_format, names),
        ...(listed !== undefined && format !== 'jwt'
          ? [mistake(at, 'is for `bearer_token_format: jwt` only')]
          : []),
        ...(listed ?? []).flatMap((name, index) =>
          names.includes(name)
            ? []
            : [
                {
                  path: [...at, index],
                  message: `"${name}" is not in the global \`identity_providers\`${names.length === 0 ? '' : ` (${names.join(', ')})`}`,
                },
              ],
        ),
      ]
    }),
  ]
}

function formatMistakes(
  path: ConfigPath,
  format: Settings['bearer_token_format'],
  names: readonly string[],
): Mistake[] {
  if (format === 'jwt' && names.length === 0)
    return [mistake(path, '`jwt` needs issuers in the global `identity_providers`')]
  return []
}
