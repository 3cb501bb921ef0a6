/**
 * TLS towards upstreams: what name is expected, whom it is trusted from, and what we show of ourselves.
 *
 * @module
 */

import { isIP } from 'node:net'
import type { Route, Upstream } from '../../../config/config.ts'
import { extension, type Fields, FROM_ADS } from '../envoy-json.ts'
import { clientCertificateSecret, TRUST_SECRET } from '../names.ts'

/** The six of the edge, and older ones that upstreams on a private network may still need. */
const CIPHER_SUITES = [
  '[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]',
  '[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'AES128-GCM-SHA256',
  'AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES256-GCM-SHA384',
  'AES256-SHA',
]

export const isTls = ({ scheme }: Upstream): boolean => scheme === 'https' || scheme === 'https+unix'

/** The name in the upstream's certificate. */
export function serverNameOf(route: Route, upstream: Upstream): string {
  const name = route.tls_upstream_server_name ?? route.tls_server_name ?? upstream.host
  if (name !== '') return name
  // A socket has no name of its own; what the upstream gets as Host is the nearest.
  return route.host_rewrite ?? route.origin.host
}

function validation(route: Route, serverName: string): Fields {
  if (route.tls_skip_verify === true) {
    return { validation_context: { trust_chain_verification: 'ACCEPT_UNTRUSTED' } }
  }
  const sanType = isIP(serverName) === 0 ? 'DNS' : 'IP_ADDRESS'
  const names = {
    match_typed_subject_alt_names: [{ san_type: sanType, matcher: { exact: serverName } }],
  }
  if (route.tls_custom_ca !== undefined) {
    return { validation_context: { trusted_ca: { inline_string: route.tls_custom_ca }, ...names } }
  }
  // The roots are sent once for all clusters, and come from us: Envoy may run where no bundle is installed.
  return {
    combined_validation_context: {
      default_validation_context: names,
      validation_context_sds_secret_config: { name: TRUST_SECRET, sds_config: FROM_ADS },
    },
  }
}

export const usesSharedTrust = (route: Route): boolean =>
  route.tls_custom_ca === undefined && route.tls_skip_verify !== true && (route.to ?? []).some(isTls)

/** @param alpn protocols offered to the upstream */
export function upstreamTls(
  route: Route,
  cluster: string,
  serverName: string,
  alpn: readonly string[],
): Fields {
  return extension(
    'envoy.transport_sockets.tls',
    'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    {
      // RFC 6066 section 3: an IP address is no server name.
      ...(isIP(serverName) === 0 ? { sni: serverName } : {}),
      ...(route.tls_upstream_allow_renegotiation === true ? { allow_renegotiation: true } : {}),
      common_tls_context: {
        tls_params: {
          tls_minimum_protocol_version: 'TLSv1_2',
          tls_maximum_protocol_version: 'TLSv1_3',
          cipher_suites: CIPHER_SUITES,
        },
        alpn_protocols: alpn,
        ...validation(route, serverName),
        ...(route.tls_client_cert === undefined
          ? {}
          : {
              tls_certificate_sds_secret_configs: [
                { name: clientCertificateSecret(cluster), sds_config: FROM_ADS },
              ],
            }),
      },
    },
  )
}
