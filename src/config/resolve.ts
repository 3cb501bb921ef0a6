/**
 * From checked keys to complete values: references are read, `…_file` twins merged, certificates opened,
 * defaults set.
 *
 * @module
 */

import { pemOf } from '../crypto/x509/certificate.ts'
import type { Settings } from './config.ts'
import { resolveDownstreamMtls } from './keys/credentials/client-certificates.ts'
import { resolveDirectory } from './keys/directory/directory-resolve.ts'
import { DEFAULT_ACCESS_LOG_FIELDS, DEFAULT_AUTHORIZE_LOG_FIELDS } from './keys/log-fields.ts'
import type { SettingsKeys } from './keys/settings-schema.ts'
import { KNOWN_ISSUERS } from './keys/sign-in/provider-kinds.ts'
import { resolveProviders } from './keys/sign-in/resolve-providers.ts'
import { serviceAccountFrom } from './keys/upstream/google-serverless.ts'
import type { Resolver } from './resolver.ts'
import { DISABLE } from './values/header.ts'
import { Reference, withoutReferences } from './values/reference.ts'
import { Secret } from './values/secret.ts'

/** `certificates` lists name paths outright, as in nginx; PEM text and references are taken too. */
function pathUnlessPem(reference: Reference): Reference {
  if (reference.kind !== 'literal' || pemOf(reference.text) !== undefined) return reference
  return new Reference('file', reference.text)
}

const SECURITY_HEADERS = { 'X-Frame-Options': 'SAMEORIGIN', 'X-XSS-Protection': '1; mode=block' }
const STRICT_TRANSPORT = { 'Strict-Transport-Security': 'max-age=31536000; includeSubDomains; preload' }

/** The headers to set, given that `disable` means none. */
function withoutDisabled(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.keys(headers).some((name) => name.toLowerCase() === DISABLE) ? {} : headers
}

export function resolveSettings(keys: SettingsKeys, resolver: Resolver): Settings {
  const serverlessAccount = keys.google_cloud_serverless_authentication_service_account
  const rest = withoutReferences(keys)
  const single = resolver.pair(resolver.either(keys, 'certificate'), resolver.either(keys, 'certificate_key'))
  const listed = (rest.certificates ?? []).map(({ cert, key }, index) =>
    resolver.pair(
      resolver.read(pathUnlessPem(cert), ['certificates', index, 'cert']),
      resolver.read(pathUnlessPem(key), ['certificates', index, 'key']),
    ),
  )
  const certificates = [single, ...listed].filter((pair) => pair !== undefined)
  const clientSecret = resolver.secret(keys, 'idp_client_secret')
  const issuer = rest.idp_provider_url ?? (rest.idp_provider && KNOWN_ISSUERS[rest.idp_provider])
  return {
    ...rest,
    ...(issuer === undefined ? {} : { idp_provider_url: issuer }),
    address: rest.address ?? { host: '0.0.0.0', port: rest.insecure_server ? 80 : 443 },
    certificates,
    certificate_authority: resolver.certificates(resolver.either(keys, 'certificate_authority')),
    downstream_mtls: resolveDownstreamMtls(rest.downstream_mtls, resolver),
    shared_secret: resolver.secretOf32Bytes(resolver.either(keys, 'shared_secret')),
    cookie_secret: resolver.secretOf32Bytes(resolver.either(keys, 'cookie_secret')),
    signing_key: resolver.signingKey(resolver.either(keys, 'signing_key')),
    idp_client_secret: clientSecret,
    google_cloud_serverless_authentication_service_account: serviceAccountFrom(
      serverlessAccount &&
        resolver.read(serverlessAccount, ['google_cloud_serverless_authentication_service_account']),
      resolver,
    ),
    sign_in_providers: resolveProviders(keys, clientSecret, resolver),
    set_response_headers:
      rest.set_response_headers === undefined
        ? { ...SECURITY_HEADERS, ...(certificates.length > 0 ? STRICT_TRANSPORT : {}) }
        : withoutDisabled(rest.set_response_headers),
    jwt_issuer_format: rest.jwt_issuer_format ?? 'hostOnly',
    pass_identity_headers: rest.pass_identity_headers ?? false,
    access_log_fields: rest.access_log_fields ?? DEFAULT_ACCESS_LOG_FIELDS,
    authorize_log_fields: rest.authorize_log_fields ?? DEFAULT_AUTHORIZE_LOG_FIELDS,
    directory: resolveDirectory(rest.directory, resolver),
    records: resolveRecords(rest.records ?? {}, resolver),
  }
}

function resolveRecords(
  sources: NonNullable<SettingsKeys['records']>,
  resolver: Resolver,
): Settings['records'] {
  return Object.fromEntries(
    Object.entries(sources).map(([type, { headers = {}, key_field, ...source }]) => [
      type,
      {
        ...source,
        key_field: key_field ?? source.key.slice(source.key.lastIndexOf('.') + 1),
        headers: Object.fromEntries(
          Object.entries(headers).flatMap(([name, reference]) => {
            const found = resolver.read(reference, ['records', type, 'headers', name])
            return found === undefined ? [] : [[name, Secret.of(found.text)]]
          }),
        ),
      },
    ]),
  )
}
