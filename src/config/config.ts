/**
 * The configuration as the rest of the program sees it: checked, complete and frozen.
 *
 * @module
 */

import type { DownstreamMtls } from './keys/credentials/client-certificates.ts'
import type { DirectorySourceKeys } from './keys/directory/directory-schema.ts'
import type { ReadRoute, RouteKeys } from './keys/route-schema.ts'
import type { SettingsKeys } from './keys/settings-schema.ts'
import type { SignInProvider } from './keys/sign-in/resolve-providers.ts'
import type { GoogleServiceAccount } from './keys/upstream/google-serverless.ts'
import type { Position } from './mistake.ts'
import type { TlsCertificate } from './resolver.ts'
import type { ListenAddress } from './values/address.ts'
import type { Frozen } from './values/freeze.ts'
import type { Origin } from './values/origin.ts'
import type { ReferenceKeys } from './values/reference.ts'
import type { Secret } from './values/secret.ts'
import type { Upstream } from './values/upstream.ts'

export type { DownstreamMtls } from './keys/credentials/client-certificates.ts'
export type { ConfigPath, Mistake, Problem } from './mistake.ts'
export type { TlsCertificate } from './resolver.ts'
export type { ListenAddress } from './values/address.ts'
export type { Frozen } from './values/freeze.ts'

type KeysOf<Type extends DirectorySourceKeys['type']> = Extract<DirectorySourceKeys, { type: Type }>
type SourceKeys<Type extends DirectorySourceKeys['type'], SecretKey extends string = never> = Frozen<
  Omit<KeysOf<Type>, ReferenceKeys<KeysOf<Type>>>
> & { readonly [Key in SecretKey]: Secret }
interface PulledDirectories {
  readonly azure: SourceKeys<'azure', 'client_secret'>
  readonly google: SourceKeys<'google', 'service_account'>
  readonly okta: SourceKeys<'okta', 'token'>
  readonly gitlab: SourceKeys<'gitlab', 'token'>
  readonly github: SourceKeys<'github', 'token'>
}
export type PulledDirectory<Type extends keyof PulledDirectories = keyof PulledDirectories> =
  PulledDirectories[Type]
export type ScimDirectory = SourceKeys<'scim', 'token'>
/** One place that groups come from, with its secrets read. */
export type DirectorySource = SourceKeys<'file'> | ScimDirectory | PulledDirectory
export type HealthCheck = NonNullable<Route['health_checks']>[number]
export type OutlierDetection = NonNullable<Route['outlier_detection']>
export type Redirect = NonNullable<Route['redirect']>
export type { SignInProvider } from './keys/sign-in/resolve-providers.ts'
export { Secret } from './values/secret.ts'
export type { Upstream } from './values/upstream.ts'

type ReplacedSettings =
  | ReferenceKeys<SettingsKeys>
  | 'certificates'
  | 'downstream_mtls'
  | 'address'
  | 'jwt_issuer_format'
  | 'pass_identity_headers'
  | 'access_log_fields'
  | 'authorize_log_fields'
  | 'directory'
  | 'sign_in_providers'
  | 'set_response_headers'
  | 'records'

/** All global keys, with defaults filled in. Durations are milliseconds; 0 means no limit. */
export interface Settings extends Frozen<Omit<SettingsKeys, ReplacedSettings>> {
  readonly address: ListenAddress
  readonly certificates: readonly TlsCertificate[]
  /** PEM of further roots. */
  readonly certificate_authority: string | undefined
  /** Unset: no route but one with a client authority of its own asks for certificates. */
  readonly downstream_mtls: DownstreamMtls | undefined
  /** Base64 of 32 bytes. */
  readonly shared_secret: Secret | undefined
  readonly cookie_secret: Secret | undefined
  /** PEM of one or several private keys. */
  readonly signing_key: Secret | undefined
  readonly idp_client_secret: Secret | undefined
  readonly google_cloud_serverless_authentication_service_account: GoogleServiceAccount | undefined
  readonly directory: readonly DirectorySource[]
  /** The provider of the `idp_…` keys too, which is called `default` and comes first. */
  readonly sign_in_providers: readonly SignInProvider[]
  /** Empty when the file says `disable`. */
  readonly set_response_headers: Readonly<Record<string, string>>
  readonly jwt_issuer_format: 'hostOnly' | 'uri'
  readonly pass_identity_headers: boolean | 'minimal'
  readonly access_log_fields: readonly string[]
  readonly authorize_log_fields: readonly string[]
  /** By record type. */
  readonly records: Readonly<Record<string, RecordSource>>
}

type RecordSourceKeys = NonNullable<SettingsKeys['records']>[string]

export interface RecordSource extends Frozen<Omit<RecordSourceKeys, 'headers' | 'key_field'>> {
  readonly key_field: string
  readonly headers: Readonly<Record<string, Secret>>
}

type ReplacedRouteKeys = ReferenceKeys<RouteKeys> | keyof ReadRoute | 'to' | 'policy'

export interface Route extends Frozen<Omit<RouteKeys, ReplacedRouteKeys>>, ReadRoute {
  /**
   * 16 hex digits of the hash of what makes a route one and the same: from, prefix, path, regex and its
   * target.
   */
  readonly id: string
  readonly origin: Origin
  readonly to: readonly Upstream[] | undefined
  /** Raw; the policy room gives it meaning. */
  readonly policy: unknown
  readonly position: Position
  /**
   * The very same route where it stood first, if it stands elsewhere now: what was made of that holds for
   * this.
   */
  readonly movedFrom?: Route
}

/** One generation of the configuration, deeply frozen. */
export interface Config {
  /** Grows by one with each change that was taken. */
  readonly generation: number
  /** Hash of the file and of everything it refers to. */
  readonly checksum: string
  readonly file: string
  readonly settings: Settings
  /** In the order of the file, which is the order of matching within one host. */
  readonly routes: readonly Route[]
}
