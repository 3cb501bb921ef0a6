/** Keycloak. Its group mapper writes full paths, `/staff/berlin`, unless told otherwise. */
import type { RawClaims } from '../../flat-claims.ts'
import { type Preset, WITHOUT_OFFLINE_ACCESS } from './preset.ts'

export const keycloak: Preset = {
  label: 'Keycloak',
  // A refresh token comes anyway; `offline_access` would begin a session there that outlives a sign-out.
  scopes: WITHOUT_OFFLINE_ACCESS,
  amend: withoutLeadingSlash,
}

function withoutLeadingSlash(raw: RawClaims): RawClaims {
  const { groups } = raw
  if (!Array.isArray(groups)) return raw
  const names: readonly unknown[] = groups
  return { ...raw, groups: names.map((name) => (typeof name === 'string' ? name.replace(/^\//, '') : name)) }
}
