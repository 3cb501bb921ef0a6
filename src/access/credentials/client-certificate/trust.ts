/**
 * Whose client certificates count on a route: those of its own authorities, or those of `downstream_mtls`.
 *
 * @module
 */

import { RE2JS } from 're2js'
import type { DownstreamMtls, Route, Settings } from '../../../config/config.ts'
import {
  authoritiesOf,
  NAME_KINDS,
  type NameKind,
  revocationListsOf,
} from '../../../config/keys/credentials/client-certificates.ts'
import { keyOf } from '../../../crypto/x509/chain.ts'
import type { AlternativeNames } from '../../../crypto/x509/names.ts'
import { parseCertificate } from '../../../crypto/x509/parsed-certificate.ts'
import type { RevocationList } from '../../../crypto/x509/revocation-list.ts'
import { createVerifier, type Verifier } from './verifier.ts'

/** By settings, which stand for a generation, and by the PEM of the authorities. */
const verifiers = new WeakMap<Settings, Map<string, Verifier>>()

/** The verifier of a route; undefined where no certificate is asked for, or none could be valid. */
export function verifierFor(route: Route, settings: Settings): Verifier | undefined {
  const pem = route.tls_downstream_client_ca ?? settings.downstream_mtls?.ca
  if (pem === undefined) return undefined
  const ofGeneration = verifiers.get(settings) ?? new Map<string, Verifier>()
  verifiers.set(settings, ofGeneration)
  const kept = ofGeneration.get(pem)
  if (kept !== undefined) return kept
  const made = makeVerifier(pem, settings)
  ofGeneration.set(pem, made)
  return made
}

function makeVerifier(pem: string, settings: Settings): Verifier {
  const authorities = authoritiesOf(pem).map(({ raw }) => parseCertificate(raw))
  const lists = new Map<string, RevocationList[]>()
  for (const list of revocationListsOf(settings)) {
    for (const authority of authorities)
      if (list.isSignedBy(authority.x509))
        lists.set(keyOf(authority), [...(lists.get(keyOf(authority)) ?? []), list])
  }
  const maxDepth = settings.downstream_mtls?.max_verify_depth ?? 0
  return createVerifier(
    { authorities, lists, maxDepth: maxDepth === 0 ? Number.POSITIVE_INFINITY : maxDepth },
    nameFilter(settings.downstream_mtls?.match_subject_alt_names ?? []),
  )
}

const NAMES_OF: Readonly<Record<NameKind, (names: AlternativeNames) => readonly string[]>> = {
  dns: ({ dns }) => dns,
  email: ({ email }) => email,
  ip_address: ({ ip }) => ip,
  uri: ({ uri }) => uri,
  user_principal_name: ({ userPrincipalName }) => userPrincipalName,
}

function nameFilter(
  matchers: DownstreamMtls['match_subject_alt_names'],
): (names: AlternativeNames) => boolean {
  const compiled = matchers.flatMap((matcher) =>
    NAME_KINDS.flatMap((kind) => {
      const pattern = matcher[kind]
      return pattern === undefined ? [] : [{ namesOf: NAMES_OF[kind], regex: RE2JS.compile(pattern) }]
    }),
  )
  return (names) =>
    compiled.length === 0 ||
    compiled.some(({ namesOf, regex }) => namesOf(names).some((name) => regex.matches(name)))
}
