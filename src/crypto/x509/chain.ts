/**
 * Whether a certificate leads to an authority that is trusted, and may be used by a client, at one instant.
 *
 * Pure. Chains are tried until one is good in every respect; of those that are not, the one that came
 * furthest says why.
 *
 * @see RFC 5280 section 6.1
 * @module
 */

import { arePermitted, type GeneralName } from './name-constraints.ts'
import { NameTag } from './names.ts'
import { ANY_PURPOSE, CLIENT_AUTHENTICATION, KeyUsage, type ParsedCertificate } from './parsed-certificate.ts'
import type { RevocationList } from './revocation-list.ts'

/** From the least that was reached to the most; logs carry these words. */
const REASONS = [
  'unreadable',
  'untrusted',
  'chain-too-long',
  'weak',
  'unknown-demands',
  'wrong-purpose',
  'names-not-permitted',
  'expired',
  'not-yet-valid',
  'revocation-unknown',
  'revoked',
  'name-not-listed',
] as const
export type InvalidReason = (typeof REASONS)[number]

export interface Trust {
  readonly authorities: readonly ParsedCertificate[]
  /** Revocation lists of an authority, by `keyOf` it. */
  readonly lists: ReadonlyMap<string, readonly RevocationList[]>
  /** Most authorities in a chain, the trusted one included. */
  readonly maxDepth: number
}

/**
 * Two certificates with one name and one key are one authority: it may have been renewed, or signed by
 * several.
 */
export const keyOf = ({ subject, spkiHash }: ParsedCertificate): string =>
  `${spkiHash} ${subject.toString('base64')}`

/** Nobody has so many authorities between; whoever shows more wants us to be busy. */
const MOST_SIGNATURES = 30

/**
 * Why the first of the presented certificates is not valid, or undefined when it is.
 *
 * @param presented what the client sent: its own certificate first, authorities between in any order
 * @param now epoch milliseconds
 */
export function chainProblem(
  presented: readonly ParsedCertificate[],
  trust: Trust,
  now: number,
): InvalidReason | undefined {
  const [leaf, ...between] = presented
  if (leaf === undefined) return 'unreadable'
  let best: InvalidReason = 'untrusted'
  let signatures = 0

  const isIssuer = (issuer: ParsedCertificate, certificate: ParsedCertificate): boolean => {
    if (!certificate.x509.checkIssued(issuer.x509) || signatures >= MOST_SIGNATURES) return false
    signatures++
    return certificate.x509.verify(issuer.x509.publicKey)
  }
  const isGood = (path: readonly ParsedCertificate[]): boolean => {
    const problem = pathProblem(path, trust, now)
    if (problem !== undefined && REASONS.indexOf(problem) > REASONS.indexOf(best)) best = problem
    return problem === undefined
  }
  /** Goes on from the end of a path that is signed all along. */
  const leadsOn = (path: readonly ParsedCertificate[]): boolean => {
    const last = path.at(-1)
    if (last === undefined) return false
    const trusted = trust.authorities.filter((authority) => isIssuer(authority, last))
    if (trusted.some((authority) => isGood([...path, authority]))) return true
    return between.some(
      (authority) =>
        !path.some(({ fingerprint }) => fingerprint === authority.fingerprint) &&
        isIssuer(authority, last) &&
        leadsOn([...path, authority]),
    )
  }
  // listed itself: whoever holds the key of a trusted authority can issue whatever they want
  const isListed = trust.authorities.some(({ fingerprint }) => fingerprint === leaf.fingerprint)
  return (isListed && isGood([leaf])) || leadsOn([leaf]) ? undefined : best
}

/** @param path signed all along, from the client's certificate to a trusted authority */
function pathProblem(
  path: readonly ParsedCertificate[],
  trust: Trust,
  now: number,
): InvalidReason | undefined {
  const [leaf, ...authorities] = path
  if (leaf === undefined || authorities.length > trust.maxDepth) return 'chain-too-long'
  const problems = [
    leafProblem(leaf),
    ...path.map((certificate, depth) => certificateProblem(certificate, depth === path.length - 1, now)),
    ...authorities.map((authority, index) => authorityProblem(authority, path.slice(0, index + 1))),
    ...authorities.map((authority, index) => revocationProblem(path[index] ?? leaf, authority, trust, now)),
  ]
  return problems.find((problem) => problem !== undefined)
}

function leafProblem({ keyUsage, purposes }: ParsedCertificate): InvalidReason | undefined {
  const maySign =
    keyUsage === undefined || keyUsage.has(KeyUsage.digitalSignature) || keyUsage.has(KeyUsage.keyAgreement)
  return maySign && isForClients(purposes) ? undefined : 'wrong-purpose'
}

const isForClients = (purposes: ReadonlySet<string> | undefined): boolean =>
  purposes === undefined || purposes.has(CLIENT_AUTHENTICATION) || purposes.has(ANY_PURPOSE)

/** @param isTrusted nobody vouches for a trusted authority, so how it was signed says nothing */
function certificateProblem(
  certificate: ParsedCertificate,
  isTrusted: boolean,
  now: number,
): InvalidReason | undefined {
  if (certificate.isKeyWeak || (certificate.isSignedWeakly && !isTrusted)) return 'weak'
  if (certificate.hasUnknownDemands) return 'unknown-demands'
  if (now < certificate.notBefore) return 'not-yet-valid'
  return now >= endOf(certificate) ? 'expired' : undefined
}

/** The last second is still inside. */
export const endOf = ({ notAfter }: ParsedCertificate): number => notAfter + 1000

/** @param below what the authority vouches for, the client's certificate first */
function authorityProblem(
  authority: ParsedCertificate,
  below: readonly ParsedCertificate[],
): InvalidReason | undefined {
  const { isAuthority, keyUsage, pathLength, purposes, nameConstraints } = authority
  const maySign = keyUsage === undefined || keyUsage.has(KeyUsage.certificateSigning)
  if (!isAuthority || !maySign) return 'untrusted'
  const between = below.slice(1).filter(({ subject, issuer }) => !subject.equals(issuer)).length
  if (pathLength !== undefined && between > pathLength) return 'chain-too-long'
  if (!isForClients(purposes)) return 'wrong-purpose'
  const isPermitted =
    nameConstraints === undefined ||
    below.every((certificate) => arePermitted(nameConstraints, namesOf(certificate)))
  return isPermitted ? undefined : 'names-not-permitted'
}

function namesOf({ names, subject }: ParsedCertificate): readonly GeneralName[] {
  const isEmpty = subject.length === 2
  return isEmpty ? names.encoded : [...names.encoded, { tag: NameTag.directory, content: subject }]
}

/**
 * Of an authority without a list nothing is known to be revoked. A list that has run out says nothing either,
 * but somebody meant it to be looked at: then it is not known whether the certificate still counts, and it
 * does not.
 */
function revocationProblem(
  certificate: ParsedCertificate,
  authority: ParsedCertificate,
  { lists }: Trust,
  now: number,
): InvalidReason | undefined {
  const ofAuthority = lists.get(keyOf(authority)) ?? []
  if (ofAuthority.length === 0) return undefined
  if (ofAuthority.some(({ serials }) => serials.has(certificate.serial))) return 'revoked'
  const isCurrent = ofAuthority.some(({ nextUpdate }) => nextUpdate === undefined || now < nextUpdate)
  return isCurrent ? undefined : 'revocation-unknown'
}
