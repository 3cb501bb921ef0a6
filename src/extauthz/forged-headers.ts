/**
 * Request headers by which a client could pose as us, or as somebody: none may reach an upstream.
 *
 * Envoy removes them before it asks; this is the second gate, and it costs a glance at each name.
 *
 * @module
 */
import { CERTIFICATE_HEADER } from '../identity/client-certificate/forwarded.ts'
import type { CheckRequest } from './check-request.ts'
import { HANDLE_HEADER } from './credentials.ts'

/** All of ours, those of days to come included. */
const OUR_PREFIX = 'x-pomerium-'

/** Headers in which other proxies tell who the user is: upstreams may still believe them. */
const IDENTITY_HEADERS = [
  'remote-user',
  'remote-email',
  'remote-groups',
  'remote-name',
  'x-remote-user',
  'x-remote-group',
  'x-forwarded-user',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-username',
  'x-forwarded-access-token',
  'x-auth-request-user',
  'x-auth-request-email',
  'x-auth-request-groups',
  'x-auth-request-preferred-username',
  'x-auth-request-access-token',
  'x-webauth-user',
  'x-envoy-original-path',
] as const

/** Where Envoy does not write the header of client certificates, somebody else has. */
const WITH_CERTIFICATES = [...IDENTITY_HEADERS, CERTIFICATE_HEADER] as const

/** To the API server of Kubernetes they say in whose name a request is made. */
const IMPERSONATION_PREFIXES = [OUR_PREFIX, 'impersonate-', 'x-remote-'] as const
const OUR_PREFIXES = [OUR_PREFIX] as const

interface ForgeableRoute {
  /** Whether Envoy writes the header of client certificates, which goes another way. */
  readonly asksForCertificates: boolean
  /** Set where a Kubernetes API is asked. */
  readonly impersonation: unknown
}

/** Names of the headers to take off, as the request has them; nearly always none. */
export function forgedHeaders(request: CheckRequest, route: ForgeableRoute): readonly string[] {
  const identity: readonly string[] = route.asksForCertificates ? IDENTITY_HEADERS : WITH_CERTIFICATES
  const prefixes = route.impersonation === undefined ? OUR_PREFIXES : IMPERSONATION_PREFIXES
  const isOdd =
    prefixes.some((prefix) => request.hasHeaderWithPrefix(prefix)) || request.hasHeaderAmong(identity)
  if (!isOdd) return []
  return request
    .headerNames()
    .filter(
      (name) =>
        (prefixes.some((prefix) => name.startsWith(prefix)) && name !== HANDLE_HEADER) ||
        identity.includes(name),
    )
}
