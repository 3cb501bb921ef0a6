/**
 * Keys of client certificates: whose are accepted, and what becomes of a client without a good one.
 *
 * @module
 */

import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { parseCertificates, pemBlocks } from '../../../crypto/x509/certificate.ts'
import {
  parseRevocationLists,
  type RevocationList,
  revocationListWork,
} from '../../../crypto/x509/revocation-list.ts'
import type { Work } from '../../../turns.ts'
import type { Resolver } from '../../resolver.ts'
import { secretKey, withoutReferences } from '../../values/reference.ts'
import { Re2 } from '../../values/regex.ts'

export const NAME_KINDS = ['dns', 'email', 'ip_address', 'uri', 'user_principal_name'] as const
export type NameKind = (typeof NAME_KINDS)[number]

const pattern = (what: string, example: string) =>
  Re2.optional().meta({
    description: `Regular expression (RE2) that a whole ${what} of the certificate matches.`,
    examples: [example],
  })

const NameMatcher = z
  .strictObject({
    dns: pattern('DNS name', String.raw`.*\.ci\.example\.com`),
    email: pattern('e-mail address', String.raw`.*@example\.com`),
    ip_address: pattern('IP address', String.raw`10\.0\..*`),
    uri: pattern('URI', 'spiffe://example.com/ns/.*'),
    user_principal_name: pattern('user principal name (Active Directory)', String.raw`.*@corp\.example\.com`),
  })
  .superRefine((matcher, context) => {
    if (Object.keys(matcher).length !== 1)
      context.addIssue({ code: 'custom', message: `must hold one of ${NAME_KINDS.join(', ')}` })
  })

/** What Envoy takes for `max_verify_depth`. */
const DEEPEST = 100

export const clientCertificates = {
  downstream_mtls: z
    .strictObject({
      ...secretKey(
        'ca',
        {
          description:
            'Certificate authorities (PEM, or PEM in base64) whose client certificates are accepted. Envoy `CertificateValidationContext.trusted_ca`.',
        },
        { examples: ['/etc/sallyport/clients-ca.pem'] },
      ),
      ...secretKey(
        'crl',
        {
          description:
            'Revocation lists (RFC 5280 section 5; PEM, or PEM in base64) of these authorities. A list whose `nextUpdate` has passed says nothing any more, so all certificates of its authority are refused until there is a newer one.',
        },
        {
          description: 'The same, from a file, which is watched: a new list takes effect at once.',
          examples: ['/etc/sallyport/clients-crl.pem'],
        },
      ),
      enforcement: z
        .enum(['policy_with_default_deny', 'policy', 'reject_connection'])
        .default('policy_with_default_deny')
        .meta({
          description:
            'What happens to a client without a valid certificate. `policy_with_default_deny` refuses its requests on every route. `policy` leaves it to the criteria `client_certificate` and `invalid_client_certificate`. `reject_connection` ends the TLS handshake; the sign-in pages are then out of reach too. Changing to or from `reject_connection` ends open connections.',
        }),
      match_subject_alt_names: z
        .array(NameMatcher)
        .default([])
        .meta({
          description:
            'Names of which a certificate must have one to be valid (RFC 5280 section 4.2.1.6). Unset: any names.',
          examples: [[{ dns: String.raw`.*\.ci\.example\.com` }]],
        }),
      max_verify_depth: z.int().min(0).max(DEEPEST).default(1).meta({
        description:
          'Most authorities between a certificate and the end of its chain, a trusted one included. 1 takes only what a listed authority has issued itself, 0 any number.',
      }),
    })
    .optional()
    .meta({
      description:
        'Asks clients for a certificate (mutual TLS) and says which are valid. Envoy `DownstreamTlsContext`. Unset: none is asked for.',
    }),
}

export const routeClientAuthority = {
  ...secretKey('tls_downstream_client_ca', {
    description:
      'Certificate authorities (PEM, or PEM in base64) whose client certificates are valid on this route, instead of those of `downstream_mtls`. Deprecated: prefer `downstream_mtls` with the criterion `client_certificate`.',
  }),
}

/** Complete, with PEM for files. */
export interface DownstreamMtls {
  readonly ca: string | undefined
  readonly crl: string | undefined
  readonly enforcement: 'policy_with_default_deny' | 'policy' | 'reject_connection'
  readonly match_subject_alt_names: readonly { readonly [Kind in NameKind]?: string | undefined }[]
  readonly max_verify_depth: number
}

export function resolveDownstreamMtls(
  keys: z.output<typeof clientCertificates.downstream_mtls>,
  resolver: Resolver,
): DownstreamMtls | undefined {
  if (keys === undefined) return undefined
  const at = ['downstream_mtls']
  const lists = resolver.either(keys, 'crl', at)
  const parsed = lists && parseRevocationLists(lists.text)
  if (lists !== undefined && parsed !== undefined && 'wrong' in parsed)
    resolver.fail(lists.path, parsed.wrong)
  return {
    ...withoutReferences(keys),
    ca: resolveAuthorities(resolver.either(keys, 'ca', at), resolver),
    crl: parsed !== undefined && 'value' in parsed ? parsed.value.pem : undefined,
  }
}

/** Of a route. */
export function readClientAuthority(
  keys: z.output<z.ZodObject<typeof routeClientAuthority>>,
  resolver: Resolver,
) {
  const found = resolver.either(keys, 'tls_downstream_client_ca')
  return {
    /** PEM. */
    tls_downstream_client_ca: resolveAuthorities(found, resolver),
  }
}

/** PEM of certificates that may all issue others. */
function resolveAuthorities(found: ReturnType<Resolver['either']>, resolver: Resolver): string | undefined {
  if (found === undefined) return undefined
  const parsed = parseCertificates(found.text)
  if ('wrong' in parsed) return resolver.fail(found.path, parsed.wrong)
  const { chain, pem } = parsed.value
  const index = chain.findIndex(({ ca }) => !ca)
  if (index < 0) return pem
  const name = chain.length === 1 ? 'the certificate' : `certificate ${index + 1} of ${chain.length}`
  return resolver.fail(
    found.path,
    `${name} is not that of a certificate authority (its basicConstraints lack CA:TRUE)`,
  )
}

/** The authorities of PEM that was checked before. */
export function authoritiesOf(pem: string): readonly X509Certificate[] {
  return pemBlocks(pem, /CERTIFICATE$/).map((block) => new X509Certificate(block))
}

/** The revocation lists in force. */
export function revocationListsOf({
  downstream_mtls,
}: {
  readonly downstream_mtls: DownstreamMtls | undefined
}): readonly RevocationList[] {
  const parsed = downstream_mtls?.crl === undefined ? undefined : parseRevocationLists(downstream_mtls.crl)
  return parsed !== undefined && 'value' in parsed ? parsed.value.lists : []
}

/** Reads them with places to pause, so that whoever asks for them later need not wait. */
export function* readRevocationLists({
  downstream_mtls,
}: Parameters<typeof revocationListsOf>[0]): Work<void> {
  if (downstream_mtls?.crl !== undefined) yield* revocationListWork(downstream_mtls.crl)
}
