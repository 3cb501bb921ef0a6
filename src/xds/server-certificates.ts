/**
 * Which certificates Envoy serves: the operator's, and one of the local CA for hosts that none of them speaks for.
 *
 * @module
 */
import type { Config, Route, TlsCertificate } from '../config/config.ts'
import { Secret } from '../config/secret.ts'
import { uncoveredNames } from '../crypto/certificate-coverage.ts'
import type { LocalCa } from '../crypto/local-ca.ts'

/** The operator's certificates, and one of the local CA for the hosts that none of them speaks for. */
export async function certificatesFor(config: Config, localCa: LocalCa): Promise<readonly TlsCertificate[]> {
  const { certificates, authenticate_service_url } = config.settings
  const authenticateHost =
    authenticate_service_url === undefined ? [] : [new URL(authenticate_service_url).hostname]
  const hosts = [...authenticateHost, ...config.routes.flatMap(certificateName)]
  const uncovered = uncoveredNames(
    [...new Set(hosts)],
    certificates.map(({ cert }) => cert),
  )
  if (uncovered.length === 0 && certificates.length > 0) return certificates
  const names = uncovered.length > 0 ? uncovered : ['localhost']
  const wildcard = names.some((name) => name.endsWith('.localhost')) ? ['*.localhost'] : []
  const { cert, key } = await localCa.issue([...wildcard, ...names])
  return [...certificates, { cert, key: Secret.of(key) }]
}

/** A wildcard in the middle of a name is for Envoy's matching; no certificate can have it. */
function certificateName({ origin }: Route): readonly string[] {
  if (!origin.wildcard) return [origin.host]
  return /^\*\.[^*]+$/.test(origin.host) ? [origin.host] : []
}
