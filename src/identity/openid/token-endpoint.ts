/**
 * The token endpoint of a provider, for grants other than signing in.
 *
 * @module
 */
import { Fault } from '../../errors.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import type { TokenEndpoint } from '../provider.ts'
import type { DiscoveredProvider } from './discovery.ts'

/** @throws {Fault} IDP_ANSWER_INVALID when the provider names none */
export function tokenEndpointOf(
  { configuration, authenticate }: DiscoveredProvider,
  http: Pick<HttpClient, 'fetch'>,
): TokenEndpoint {
  const server = configuration.serverMetadata()
  const { token_endpoint: url, issuer } = server
  if (url === undefined || !URL.canParse(url))
    throw new Fault('IDP_ANSWER_INVALID', `${issuer}, discovery: its metadata names no token_endpoint`)
  return {
    url,
    fetch: (asked, init) => http.fetch(asked, init),
    authenticate: (form, headers) => authenticate(server, configuration.clientMetadata(), form, headers),
  }
}
