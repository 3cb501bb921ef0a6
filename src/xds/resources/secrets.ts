/**
 * Keys and certificates as SDS secrets: they are rotated without touching what uses them.
 *
 * @module
 */

import type { Config, Route, TlsCertificate } from '../../config/config.ts'
import { makeResource, type Resource, TYPE_URL } from '../ads/resource.ts'
import { isTls, usesSharedTrust } from './clusters/upstream-tls.ts'
import { certificatePlaces } from './listeners/listeners.ts'
import { clientCertificateSecret, serverCertificateSecret, TRUST_SECRET } from './names.ts'

function certificateSecret(name: string, { cert, key }: TlsCertificate): Resource {
  return makeResource(TYPE_URL.secret, name, {
    name,
    tls_certificate: {
      certificate_chain: { inline_string: cert },
      private_key: { inline_string: key.reveal() },
    },
  })
}

/** Envoy takes the first certificate that fits, so copies of the first one on the last places do no harm. */
function serverCertificates(certificates: readonly TlsCertificate[]): readonly Resource[] {
  const [first] = certificates
  if (first === undefined) return []
  return Array.from({ length: certificatePlaces(certificates.length) }, (_, index) =>
    certificateSecret(serverCertificateSecret(index), certificates[index] ?? first),
  )
}

function clientCertificate(route: Route, cluster: string): readonly Resource[] {
  const { tls_client_cert: cert, tls_client_key: key, to } = route
  if (cert === undefined || key === undefined || !(to ?? []).some(isTls)) return []
  return [certificateSecret(clientCertificateSecret(cluster), { cert, key })]
}

/** @param trustedRoots PEM of the roots that upstreams are verified by */
export function secrets(
  { routes, settings }: Config,
  clusters: ReadonlyMap<Route, string>,
  certificates: readonly TlsCertificate[],
  trustedRoots: string,
): readonly Resource[] {
  const trust = [trustedRoots, settings.certificate_authority ?? ''].join('\n').trim()
  return [
    ...(settings.insecure_server ? [] : serverCertificates(certificates)),
    ...[...clusters].flatMap(([route, cluster]) => clientCertificate(route, cluster)),
    ...(routes.some(usesSharedTrust)
      ? [
          makeResource(TYPE_URL.secret, TRUST_SECRET, {
            name: TRUST_SECRET,
            validation_context: { trusted_ca: { inline_string: `${trust}\n` } },
          }),
        ]
      : []),
  ]
}
