/**
 * What must hold between global keys. Each rule looks at keys that are right in themselves.
 *
 * @module
 */

import type { Mistake } from '../config.ts'
import { identityProviderMistakes } from './credentials/bearer-rules.ts'
import { directoryMistakes } from './directory/directory-rules.ts'
import { given, mistake, type RawKeys } from './rule.ts'
import type { SettingsKeys } from './settings-schema.ts'
import {
  identityProviderIsWhole,
  listedProvidersAreWhole,
  providersAreReachedOverTls,
  scopesHoldOpenid,
} from './sign-in/provider-rules.ts'

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

/**
 * `/%2fevil.example` would be sent on to `//evil.example`, which is a host to browsers; `/\evil.example` too.
 */
const redirectStaysOnTheHost: SettingsRule = (settings) => {
  if (settings.path_with_escaped_slashes_action !== 'UNESCAPE_AND_REDIRECT') return []
  return (['merge_slashes', 'normalize_path'] as const)
    .filter((key) => !settings[key])
    .map((key) =>
      mistake(
        [key],
        'cannot be false beside `path_with_escaped_slashes_action: unescape_and_redirect`, which would then redirect to other hosts',
      ),
    )
}

const drainDelayFits: SettingsRule = ({ drain_delay: delay, drain_timeout: timeout }) =>
  delay > timeout ? [mistake(['drain_delay'], 'is longer than `drain_timeout`, of which it is a part')] : []

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
  scopesHoldOpenid,
  listedProvidersAreWhole,
  providersAreReachedOverTls,
  cookieDomainHoldsSignIn,
  listenersDoNotCollide,
  redirectStaysOnTheHost,
  drainDelayFits,
  directoryMistakes,
  identityProviderMistakes,
]

export function settingsMistakes(settings: SettingsKeys, raw: RawKeys): Mistake[] {
  return SETTINGS_RULES.flatMap((rule) => rule(settings, raw))
}
