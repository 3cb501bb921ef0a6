/**
 * Microsoft Entra ID.
 *
 * `sub` differs from client to client; `oid` is the person's id in the directory, the same for all clients,
 * and what Graph and directory pulls know people by.
 */
import type { RawClaims } from '../../flat-claims.ts'
import { type Preset, STANDARD_SCOPES } from './preset.ts'

export const azure: Preset = {
  label: 'Microsoft',
  scopes: STANDARD_SCOPES,
  requestParams: { prompt: 'select_account' },
  hasTenants: true,
  hasGraph: true,
  userId: ({ oid }) => (typeof oid === 'string' && oid !== '' ? oid : undefined),
  amend: (raw, { issuer }) => (issuer.includes('{tenantid}') ? withoutForeignEmail(raw) : raw),
}

/**
 * Where any tenant may come, its administrators may have typed any address: it counts only with Microsoft's
 * word (`xms_edov`) that the domain is the tenant's own.
 */
function withoutForeignEmail(raw: RawClaims): RawClaims {
  const { xms_edov: isDomainOwners } = raw
  return [true, 'true', 1, '1'].some((yes) => yes === isDomainOwners)
    ? raw
    : { ...raw, email_verified: false }
}
