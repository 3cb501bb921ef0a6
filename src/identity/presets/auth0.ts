/** Auth0. Claims of one's own are URLs there, and its older sign-out page is not in the metadata. */
import type { RawClaims } from '../../flat-claims.ts'
import { type Preset, STANDARD_SCOPES } from './preset.ts'

export const auth0: Preset = {
  label: 'Auth0',
  scopes: STANDARD_SCOPES,
  amend: withNamespacedGroups,
  endSession({ issuer, end_session_endpoint: endSession }, { clientId, postLogoutRedirectUri }) {
    if (endSession !== undefined) return 'standard'
    const url = new URL('/v2/logout', issuer)
    url.searchParams.set('client_id', clientId)
    url.searchParams.set('returnTo', postLogoutRedirectUri)
    return url
  },
}

/**
 * `https://example.com/groups`, whatever the URL before it. With two of them nobody can tell which is meant.
 */
function withNamespacedGroups(raw: RawClaims): RawClaims {
  if (raw['groups'] !== undefined) return raw
  const [claim, another] = Object.keys(raw).filter((name) => /^https?:\/\/.+\/groups$/.test(name))
  if (another !== undefined) return { ...raw, hasgroups: true }
  return claim === undefined ? raw : { ...raw, groups: raw[claim] }
}
