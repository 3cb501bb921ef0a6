/**
 * Where Envoy listens. Nothing here depends on routes, but for whether one has client authorities of its own:
 * a changed listener ends the connections of the old one.
 *
 * @module
 */

import type { ListenAddress, Settings } from '../../../config/config.ts'
import { makeResource, type Resource, TYPE_URL } from '../../ads/resource.ts'
import {
  CONNECTION_BUFFER_BYTES,
  duration,
  extension,
  type Fields,
  FROM_ADS,
  socketAddress,
} from '../envoy-json.ts'
import { MAIN_LISTENER, REDIRECT_LISTENER, serverCertificateSecret } from '../names.ts'
import { asksForCertificates, certificateDemand, clientValidation } from './client-validation.ts'
import { mainConnectionManager, redirectConnectionManager } from './http-connection-manager.ts'

/** ECDHE with AEAD only. TLS 1.3 suites are not configurable and all good. */
const CIPHER_SUITES = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
]

const ALPN = { auto: ['h2', 'http/1.1'], http1: ['http/1.1'], http2: ['h2'] } as const

const TLS_HANDSHAKE_TIMEOUT_MS = 10_000

/**
 * Certificates take places in steps, the first one filling what is left: adding one to a few changes secrets
 * only, where a longer list would change the listener and cut its connections.
 */
export const certificatePlaces = (count: number): number =>
  [16, 64, 256, 1024].find((places) => places >= count) ?? 2 ** Math.ceil(Math.log2(count))

function downstreamTls(settings: Settings, certificateCount: number): Fields {
  const places = Array.from({ length: certificatePlaces(certificateCount) }, (_, index) => ({
    name: serverCertificateSecret(index),
    sds_config: FROM_ADS,
  }))
  return extension(
    'envoy.transport_sockets.tls',
    'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    {
      ...(asksForCertificates(settings) ? certificateDemand(settings) : {}),
      common_tls_context: {
        tls_params: {
          tls_minimum_protocol_version: 'TLSv1_2',
          tls_maximum_protocol_version: 'TLSv1_3',
          cipher_suites: CIPHER_SUITES,
          ecdh_curves: ['X25519MLKEM768', 'X25519', 'P-256'],
        },
        alpn_protocols: ALPN[settings.codec_type],
        tls_certificate_sds_secret_configs: places,
        ...(asksForCertificates(settings) ? clientValidation : {}),
      },
    },
  )
}

function listener(
  name: string,
  address: ListenAddress,
  settings: Settings,
  filter: Fields,
  transportSocket: Fields | undefined,
): Resource {
  return makeResource(TYPE_URL.listener, name, {
    name,
    address: socketAddress(address.host, address.port),
    per_connection_buffer_limit_bytes: CONNECTION_BUFFER_BYTES,
    ...(settings.use_proxy_protocol
      ? {
          listener_filters: [
            extension(
              'envoy.filters.listener.proxy_protocol',
              'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol',
            ),
          ],
        }
      : {}),
    filter_chains: [
      {
        filters: [filter],
        ...(transportSocket === undefined
          ? {}
          : {
              transport_socket: transportSocket,
              transport_socket_connect_timeout: duration(TLS_HANDSHAKE_TIMEOUT_MS),
            }),
      },
    ],
  })
}

export function listeners(settings: Settings, certificateCount: number): readonly Resource[] {
  const tls = settings.insecure_server ? undefined : downstreamTls(settings, certificateCount)
  const main = listener(MAIN_LISTENER, settings.address, settings, mainConnectionManager(settings), tls)
  const redirectAddress = settings.http_redirect_addr
  if (redirectAddress === undefined) return [main]
  const redirect = redirectConnectionManager(settings)
  return [main, listener(REDIRECT_LISTENER, redirectAddress, settings, redirect, undefined)]
}
