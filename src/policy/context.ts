/**
 * What the policies of one configuration stand on besides themselves.
 *
 * @module
 */
import type { RecordKey } from './decision.ts'
import type { UserNames } from './matching/user-ids.ts'

/** The keys of a route that say who may pass; config/ has checked their types and which go together. */
export interface PolicySource {
  /** In the policy language, as read from YAML or JSON. */
  readonly policy?: unknown
  readonly allowed_users?: readonly string[] | undefined
  readonly allowed_domains?: readonly string[] | undefined
  readonly allowed_idp_claims?: Readonly<Record<string, readonly unknown[]>> | undefined
  readonly allow_any_authenticated_user?: boolean | undefined
  readonly allow_public_unauthenticated_access?: boolean | undefined
  readonly cors_allow_preflight?: boolean | undefined
}

/** A policy with a name, and what it says to whom it refuses. */
export interface NamedPolicy extends PolicySource {
  readonly explanation?: string | undefined
  readonly remediation?: string | undefined
}

/** A setting, or a part of the product, without which some criteria can never be decided. */
export type Need = 'geoip' | 'downstream_mtls' | 'ssh' | 'mcp' | 'devices'

export interface PolicyContext {
  /** Policies that routes name. */
  readonly policies?: Readonly<Record<string, NamedPolicy>> | undefined
  /** Declared record types, and by what their rows are found. */
  readonly records?: Readonly<Record<string, { readonly key: RecordKey }>> | undefined
  /** How people and machines are told apart by their ids. Unset: by the ids as they stand. */
  readonly users?: UserNames | undefined
  /** Settings that are known to be missing: a criterion that needs one is a mistake. */
  readonly lacks?: readonly Need[] | undefined
  /**
   * Which routes are closed to clients without a valid certificate: all, or only those with client
   * authorities of their own.
   */
  readonly deniesInvalidClientCertificates?: 'everywhere' | 'where-own-authorities' | undefined
}
