/**
 * Request headers that hold credentials: what they hold is in no log.
 *
 * @module
 */
import type { Route } from '../config.ts'
import { isServerless, serverlessHeaderOf } from '../keys/upstream/google-serverless.ts'

const CREDENTIALS = /^(?:cookie|authorization|proxy-authorization|x-pomerium-.*)$|token|secret|api-?key/

/** By a lower-case name that speaks for itself. */
export function isCredentialHeader(name: string): boolean {
  return CREDENTIALS.test(name)
}

const TOKEN_REFERENCE = /\$\{?pomerium\.(?:access_token|id_token|jwt)\b/

/** Lower-case names of the headers in which the upstream of a route gets tokens of ours or of the identity provider. */
export function tokenHeadersOf(
  route: Pick<
    Route,
    'pass_idp_token' | 'set_request_headers' | 'enable_google_cloud_serverless_authentication'
  >,
): readonly string[] {
  const { pass_idp_token: passed, set_request_headers: set = {} } = route
  const named = Object.entries(set).flatMap(([name, text]) => (TOKEN_REFERENCE.test(text) ? [name] : []))
  return [
    ...(passed === undefined ? [] : [passed.header]),
    ...(isServerless(route) ? [serverlessHeaderOf(route)] : []),
    ...named,
  ].map((name) => name.toLowerCase())
}
