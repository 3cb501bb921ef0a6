/**
 * How Envoy asks clients for a certificate, and what it makes of it.
 *
 * Unless connections are to be rejected it takes any certificate, since who may pass is decided for each
 * request, and hands on what was shown in `x-forwarded-client-cert`: whole, so that the chain can be
 * verified, and set by Envoy alone. The check takes that header off again.
 *
 * All of it but the demand itself is an SDS secret: a new authority or revocation list ends no connection.
 *
 * @module
 */

import type { Config, Settings } from '../../../config/config.ts'
import { makeResource, type Resource, TYPE_URL } from '../../ads/resource.ts'
import { type Fields, FROM_ADS } from '../envoy-json.ts'
import { CLIENT_TRUST_SECRET } from '../names.ts'

const SAN_TYPES: Readonly<Record<string, Fields>> = {
  dns: { san_type: 'DNS' },
  email: { san_type: 'EMAIL' },
  ip_address: { san_type: 'IP_ADDRESS' },
  uri: { san_type: 'URI' },
  user_principal_name: { san_type: 'OTHER_NAME', oid: '1.3.6.1.4.1.311.20.2.3' },
}

/** Whether clients are asked for a certificate of their own. */
export const asksForCertificates = ({ downstream_mtls, insecure_server }: Settings): boolean =>
  downstream_mtls !== undefined && !insecure_server

/** Of `DownstreamTlsContext`. */
export const certificateDemand = ({ downstream_mtls }: Settings): Fields => ({
  require_client_certificate: downstream_mtls?.enforcement === 'reject_connection',
})

/** Of `CommonTlsContext`. */
export const clientValidation: Fields = {
  validation_context_sds_secret_config: { name: CLIENT_TRUST_SECRET, sds_config: FROM_ADS },
}

/** In which Envoy hands on what a client has shown; it removes what a client writes there. */
export const CERTIFICATE_HEADER = 'x-forwarded-client-cert'

/** Of `HttpConnectionManager`. */
export const forwardedCertificate: Fields = {
  forward_client_cert_details: 'SANITIZE_SET',
  set_current_client_cert_details: { chain: true },
}

/** What Envoy takes for "no limit". */
const DEEPEST = 100

/** Trusts the authorities of all routes; which of them counts on which route is for the check. */
export function clientTrust({ routes, settings }: Config): Resource {
  const mtls = settings.downstream_mtls
  const pems = [mtls?.ca, ...routes.map((route) => route.tls_downstream_client_ca)]
  const trusted = [...new Set(pems.filter((pem) => pem !== undefined))].join('')
  const names = (mtls?.match_subject_alt_names ?? []).flatMap((matcher) =>
    Object.entries(matcher).map(([kind, regex]) => ({
      ...SAN_TYPES[kind],
      matcher: { safe_regex: { regex } },
    })),
  )
  return makeResource(TYPE_URL.secret, CLIENT_TRUST_SECRET, {
    name: CLIENT_TRUST_SECRET,
    validation_context: {
      trusted_ca: { inline_string: trusted },
      ...(mtls?.enforcement === 'reject_connection'
        ? {
            ...(mtls.crl === undefined
              ? {}
              : { crl: { inline_string: mtls.crl }, only_verify_leaf_cert_crl: true }),
            ...(names.length === 0 ? {} : { match_typed_subject_alt_names: names }),
            max_verify_depth: mtls.max_verify_depth === 0 ? DEEPEST : mtls.max_verify_depth,
          }
        : // the names of the authorities are told to clients, who choose a certificate by them
          { trust_chain_verification: 'ACCEPT_UNTRUSTED' }),
    },
  })
}
