/**
 * What must hold between global keys. Each rule looks at keys that are right in themselves.
 *
 * @module
 */

import type { Mistake, Settings } from './config.ts'
import { directoryMistakes } from './directory-rules.ts'
import { given, mistake, type RawKeys } from './rule.ts'
import type { SettingsKeys } from './settings-schema.ts'

type SettingsRule = (settings: SettingsKeys, raw: RawKeys) => Mistake[]

const certificatePairIsWhole: SettingsRule = (_, raw) => {
  const certificate = given(raw, ['certificate', 'certificate_file'])
  const key = given(raw, ['certificate_key', 'certificate_key_file'])
  if (certificate.length > 0 && key.length === 0)
    return [mistake([certificate[0] ?? ''], 'needs `certificate_key` or `certificate_key_file` beside it')]
  if (key.length > 0 && certificate.length === 0)
    return [mistake([key[0] ?? ''], 'needs `certificate` or `certificate_file` beside it')]
  return []
}

/** Providers whose issuer is one and the same for everybody. */
export const KNOWN_ISSUERS: Readonly<Record<string, string>> = {
  google: 'https://accounts.google.com',
  gitlab: 'https://gitlab.com',
}

const identityProviderIsWhole: SettingsRule = (settings, raw) => {
  const keys = Object.keys(raw).filter((key) => key.startsWith('idp_'))
  if (keys.length === 0) return []
  if (!Object.hasOwn(raw, 'idp_provider')) {
    return [mistake([keys[0] ?? ''], 'needs `idp_provider` beside it; use `oidc` for any OpenID provider')]
  }
  const missing: string[] = []
  if (!Object.hasOwn(raw, 'idp_client_id')) missing.push('idp_client_id')
  if (given(raw, ['idp_client_secret', 'idp_client_secret_file']).length === 0)
    missing.push('idp_client_secret')
  const provider = settings.idp_provider
  if (
    !Object.hasOwn(raw, 'idp_provider_url') &&
    provider !== undefined &&
    KNOWN_ISSUERS[provider] === undefined
  ) {
    missing.push('idp_provider_url')
  }
  if (!Object.hasOwn(raw, 'authenticate_service_url')) missing.push('authenticate_service_url')
  return missing.map((key) => mistake(['idp_provider'], `needs \`${key}\` beside it`))
}

/** What `sallyport init` leaves for the operator to fill in. */
const PLACEHOLDER = 'FILL-IN'

/** Judged when references are resolved: the placeholder may stand in a file. */
export function clientIsFilledIn(
  settings: Pick<Settings, 'idp_client_id' | 'idp_client_secret'>,
  raw: RawKeys,
): Mistake[] {
  const message = `is still the placeholder "${PLACEHOLDER}": put what the identity provider gave you`
  const secret = given(raw, ['idp_client_secret', 'idp_client_secret_file'])[0] ?? 'idp_client_secret'
  return [
    ...(settings.idp_client_id === PLACEHOLDER ? [mistake(['idp_client_id'], message)] : []),
    ...(settings.idp_client_secret?.reveal() === PLACEHOLDER ? [mistake([secret], message)] : []),
  ]
}

function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}

const issuerIsReachedOverTls: SettingsRule = ({ idp_provider_url: issuer }) => {
  const url = issuer === undefined ? null : URL.parse(issuer)
  if (url === null || url.protocol === 'https:' || isLoopback(url.hostname)) return []
  return [
    mistake(['idp_provider_url'], 'must be an https URL; plain http is for a provider on this machine only'),
  ]
}

const cookieDomainHoldsSignIn: SettingsRule = ({
  cookie_domain: domain,
  cookie_name: name,
  authenticate_service_url: url,
}) => {
  if (domain === undefined) return []
  if (name.startsWith('__Host-')) {
    return [
      mistake(['cookie_name'], 'begins with "__Host-", which browsers refuse together with `cookie_domain`'),
    ]
  }
  const host = url === undefined ? undefined : URL.parse(url)?.hostname
  if (host === undefined || host === domain || host.endsWith(`.${domain}`)) return []
  return [mistake(['cookie_domain'], `does not hold the host of \`authenticate_service_url\`, ${host}`)]
}

const LISTENERS = ['address', 'http_redirect_addr', 'health_check_addr', 'metrics_address'] as const

const listenersDoNotCollide: SettingsRule = (settings, raw) => {
  const defaultAddress = { host: '0.0.0.0', port: settings.insecure_server ? 80 : 443 }
  const addresses = LISTENERS.flatMap((key) => {
    const address =
      settings[key] ?? (key === 'address' && !Object.hasOwn(raw, key) ? defaultAddress : undefined)
    return address === undefined ? [] : [{ key, address }]
  })
  return addresses.flatMap(({ key, address }, index) => {
    const twin = addresses
      .slice(0, index)
      .find(
        (other) =>
          other.address.port === address.port &&
          (other.address.host === address.host || isAny(other.address.host) || isAny(address.host)),
      )
    return twin === undefined
      ? []
      : [
          mistake(
            [Object.hasOwn(raw, key) ? key : twin.key],
            `listens on port ${address.port}, as \`${Object.hasOwn(raw, key) ? twin.key : key}\` does`,
          ),
        ]
  })
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

const SETTINGS_RULES: readonly SettingsRule[] = [
  certificatePairIsWhole,
  identityProviderIsWhole,
  issuerIsReachedOverTls,
  cookieDomainHoldsSignIn,
  listenersDoNotCollide,
  directoryMistakes,
]

export function settingsMistakes(settings: SettingsKeys, raw: RawKeys): Mistake[] {
  return SETTINGS_RULES.flatMap((rule) => rule(settings, raw))
}
