/**
 * The request headers that keys of a route set: each is named here once.
 *
 * From this list come what a client may not send under such a name, what stays out of logs, and what a route
 * can not take off again.
 *
 * @module
 */
import type { Mistake } from '../../mistake.ts'
import { given, mistake, type RawKeys } from '../rule.ts'
import { isServerless, SERVERLESS_HEADER } from './google-serverless.ts'

export interface UpstreamHeader {
  /** In lower case. */
  readonly name: string
  /** Whether it carries a token or a credential: it is in no log then. */
  readonly isSecret: boolean
}

/** A route as it is checked, or as it is written: a secret may then be named by the file it stands in. */
interface SettingRoute {
  readonly set_request_headers?: Readonly<Record<string, string>> | undefined
  readonly pass_idp_token?: { readonly header: string } | undefined
  readonly upstream_token?: { readonly header: string } | undefined
  readonly kubernetes_service_account_token?: unknown
  readonly kubernetes_service_account_token_file?: unknown
  readonly enable_google_cloud_serverless_authentication?: boolean | undefined
}

const NONE: readonly UpstreamHeader[] = []

const open = (name: string): UpstreamHeader => ({ name: name.toLowerCase(), isSecret: false })
const secret = (name: string): UpstreamHeader => ({ name: name.toLowerCase(), isSecret: true })

const TOKEN_REFERENCE = /\$\{?pomerium\.(?:access_token|id_token|jwt)\b/

/**
 * Groups in percent-encoding, with commas between them; a script in Envoy makes `impersonate-group` of it.
 */
export const IMPERSONATE_GROUPS_HEADER = 'x-pomerium-impersonate-groups'

const OF_KUBERNETES: readonly UpstreamHeader[] = [
  secret('authorization'),
  open('impersonate-user'),
  open('impersonate-group'),
  open(IMPERSONATE_GROUPS_HEADER),
]

/** Those that stand where the operator says. */
const PLACED = {
  set_request_headers: ({ set_request_headers: set = {} }: SettingRoute): readonly UpstreamHeader[] =>
    Object.entries(set).map(([name, text]) => (TOKEN_REFERENCE.test(text) ? secret(name) : open(name))),
  pass_idp_token: ({ pass_idp_token: passed }: SettingRoute): readonly UpstreamHeader[] =>
    passed === undefined ? NONE : [secret(passed.header)],
  upstream_token: ({ upstream_token: own }: SettingRoute): readonly UpstreamHeader[] =>
    own === undefined ? NONE : [secret(own.header)],
}

/** By the key that sets them. */
export const HEADERS_OF_KEYS = {
  ...PLACED,
  kubernetes_service_account_token: (route: SettingRoute): readonly UpstreamHeader[] =>
    (route.kubernetes_service_account_token ?? route.kubernetes_service_account_token_file) === undefined
      ? NONE
      : OF_KUBERNETES,
  enable_google_cloud_serverless_authentication: (route: SettingRoute): readonly UpstreamHeader[] =>
    !isServerless(route)
      ? NONE
      : serverlessHeaderOf(route) === SERVERLESS_HEADER
        ? [secret(SERVERLESS_HEADER)]
        : // Google would believe the other before the one that is set.
          [secret('authorization'), open(SERVERLESS_HEADER)],
}

/**
 * Lower-case name of the header that Google's token goes into: another than `Authorization` where that is
 * taken.
 */
export function serverlessHeaderOf(route: SettingRoute): string {
  const isTaken = Object.values(PLACED).some((headersOf) =>
    headersOf(route).some(({ name }) => name === 'authorization'),
  )
  return isTaken ? SERVERLESS_HEADER : 'authorization'
}

/** Two values for one header: which one the upstream gets would be chance. */
export function headersAreSetOnce(route: SettingRoute, raw: RawKeys): Mistake[] {
  const setBy = new Map<string, string>()
  return Object.entries(HEADERS_OF_KEYS).flatMap(([key, headersOf]) =>
    headersOf(route).flatMap(({ name }) => {
      const other = setBy.get(name) ?? key
      setBy.set(name, other)
      if (other === key) return []
      const [written = key] = given(raw, [key, `${key}_file`])
      return [mistake([written], `sets the header ${name}, as \`${other}\` does; remove one of them`)]
    }),
  )
}

/** All of a route. */
export function upstreamHeadersOf(route: SettingRoute): readonly UpstreamHeader[] {
  return Object.values(HEADERS_OF_KEYS).flatMap((headersOf) => headersOf(route))
}

/**
 * Lower-case names of the headers in which the upstream of a route gets tokens of ours or of the identity
 * provider.
 */
export function tokenHeadersOf(route: SettingRoute): readonly string[] {
  return upstreamHeadersOf(route).flatMap(({ name, isSecret }) => (isSecret ? [name] : []))
}
