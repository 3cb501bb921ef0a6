/**
 * Which claims hold the groups of people, by the identity providers that the configuration names.
 *
 * @module
 */
import type { Settings, SignInProvider } from '../config/config.ts'
import { claimNames } from '../flat-claims.ts'
import { presetOf } from './presets/table.ts'

/** The first that is there counts. `undefined`: `groups`. */
export function groupsClaimsOf({
  groups_claim: own,
  provider,
}: Pick<SignInProvider, 'groups_claim' | 'provider'>): readonly string[] | undefined {
  return own === undefined ? presetOf(provider).groupsClaims : [own]
}

const found = new WeakMap<Settings, ReadonlySet<string>>()

/** Of all providers, `groups` among them, in every spelling. */
export function groupsClaimsIn(settings: Settings): ReadonlySet<string> {
  let names = found.get(settings)
  if (names === undefined) {
    const named = settings.sign_in_providers.flatMap((each) => groupsClaimsOf(each) ?? [])
    names = new Set(['groups', ...named.flatMap(claimNames)])
    found.set(settings, names)
  }
  return names
}
