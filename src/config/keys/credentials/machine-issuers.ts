/**
 * The issuers of workload tokens, with what their presets know filled in. Pure.
 *
 * @module
 */
import type { ClaimPin, IdentityProviderEntry } from './bearer-keys.ts'

export interface MachineIssuer {
  readonly name: string
  /**
   * `undefined` with SPIFFE alone, whose tokens need not say it: the trust domain of their subject is enough.
   */
  readonly issuer: string | undefined
  readonly jwksUrl: string | undefined
  readonly algorithms: readonly string[]
  readonly audiences: readonly string[]
  readonly claims: Readonly<Record<string, ClaimPin>>
  readonly trustDomain: string | undefined
}

/** The cluster that Sallyport runs in, whatever its issuer is called. */
export const IN_CLUSTER = 'kubernetes:///'

const ISSUERS: Readonly<Record<string, string>> = {
  github_actions: 'https://token.actions.githubusercontent.com',
  gitlab: 'https://gitlab.com',
  kubernetes: IN_CLUSTER,
}

const DEFAULT_ALGORITHMS = ['RS256', 'ES256', 'EdDSA']
/** @see https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md section 2.1 */
const SPIFFE_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']

/** An entry as it was read, or frozen. */
interface Entry extends Pick<IdentityProviderEntry, 'preset' | 'issuer' | 'jwks_url' | 'trust_domain'> {
  readonly audiences: readonly string[]
  readonly supported_algs?: readonly string[] | undefined
  readonly claims?: Readonly<Record<string, ClaimPin>> | undefined
}

export function machineIssuerOf(name: string, entry: Entry): MachineIssuer {
  const isSpiffe = entry.preset === 'spiffe'
  return {
    name,
    issuer: entry.issuer ?? ISSUERS[entry.preset ?? ''],
    jwksUrl: entry.jwks_url,
    algorithms: entry.supported_algs ?? (isSpiffe ? SPIFFE_ALGORITHMS : DEFAULT_ALGORITHMS),
    audiences: entry.audiences,
    claims: entry.claims ?? {},
    trustDomain: isSpiffe ? entry.trust_domain : undefined,
  }
}
