/**
 * Judges the certificates that clients show, and remembers what came out: a client shows the same ones with
 * every request.
 *
 * @module
 */

import { hash } from 'node:crypto'
import { BoundedMap } from '../../../bounded-map.ts'
import { pemBlocks } from '../../../crypto/x509/certificate.ts'
import { chainProblem, endOf, type InvalidReason, type Trust } from '../../../crypto/x509/chain.ts'
import type { AlternativeNames } from '../../../crypto/x509/names.ts'
import { type ParsedCertificate, parseCertificate } from '../../../crypto/x509/parsed-certificate.ts'

/** What a client showed; `presented: false` when it was asked and showed none. */
export type ClientCertificate = { readonly presented: false } | PresentedCertificate

export interface PresentedCertificate {
  readonly presented: true
  readonly validity: 'valid' | 'invalid'
  /** Why it is invalid. */
  readonly reason: InvalidReason | undefined
  /** Hex of SHA-256 over the certificate. */
  readonly fingerprint: string
  /** Base64 of SHA-256 over its public key; empty when it can't be read. */
  readonly spkiHash: string
  readonly sanDns: readonly string[]
  readonly sanEmail: readonly string[]
  readonly sanUri: readonly string[]
  /** For logs: `CN=…, O=…`. */
  readonly subject: string
}

export const NOT_PRESENTED: ClientCertificate = { presented: false }

export interface Verifier {
  /**
   * @param chain PEM, percent-encoded as Envoy gives it: the client's certificate first
   * @param now epoch milliseconds
   */
  verify(chain: string, now: number): PresentedCertificate
}

/** A judgement holds as long as no certificate or list of it begins or ends. */
interface Judgement {
  readonly certificate: PresentedCertificate
  readonly from: number
  readonly until: number
}

/** Good ones come from few clients; others may come in any number and push out none of these. */
const MOST_VALID = 5000
const MOST_INVALID = 500
/** Longer chains are judged anew each time: memory is not the client's to fill. */
const LONGEST_KEPT = 32 * 1024
/** More certificates than any chain that is issued has. */
const MOST_PRESENTED = 10

/** @param isNameListed whether a certificate of these names is one of those that are wanted */
export function createVerifier(trust: Trust, isNameListed: (names: AlternativeNames) => boolean): Verifier {
  const valid = new BoundedMap<string, Judgement>(MOST_VALID)
  const invalid = new BoundedMap<string, Judgement>(MOST_INVALID)
  const trustTimes = [
    ...trust.authorities.flatMap(timesOf),
    ...[...trust.lists.values()].flat().flatMap(({ nextUpdate }) => nextUpdate ?? []),
  ]
  return {
    verify(chain, now) {
      const kept = valid.get(chain) ?? invalid.get(chain)
      if (kept !== undefined && now >= kept.from && now < kept.until) return kept.certificate
      const { certificate, times } = judge(chain, trust, isNameListed, now)
      valid.delete(chain)
      invalid.delete(chain)
      if (chain.length <= LONGEST_KEPT) {
        const all = [...trustTimes, ...times]
        const judgement = {
          certificate,
          from: Math.max(...all.filter((time) => time <= now), Number.NEGATIVE_INFINITY),
          until: Math.min(...all.filter((time) => time > now), Number.POSITIVE_INFINITY),
        }
        const kind = certificate.validity === 'valid' ? valid : invalid
        kind.set(chain, judgement)
      }
      return certificate
    },
  }
}

const timesOf = (certificate: ParsedCertificate): readonly number[] => [
  certificate.notBefore,
  endOf(certificate),
]

function judge(
  chain: string,
  trust: Trust,
  isNameListed: (names: AlternativeNames) => boolean,
  now: number,
): { readonly certificate: PresentedCertificate; readonly times: readonly number[] } {
  const ders = dersOf(chain)
  const fingerprint = hash('sha256', ders[0] ?? Buffer.alloc(0), 'hex')
  const leaf = readOrNothing(ders[0])
  if (leaf === undefined || ders.length > MOST_PRESENTED) {
    const certificate: PresentedCertificate = {
      presented: true,
      validity: 'invalid',
      reason: leaf === undefined ? 'unreadable' : 'chain-too-long',
      fingerprint,
      spkiHash: leaf?.spkiHash ?? '',
      sanDns: [],
      sanEmail: [],
      sanUri: [],
      subject: '',
    }
    return { certificate, times: [] }
  }
  // what can't be read vouches for nobody
  const between = ders.slice(1).flatMap((der) => readOrNothing(der) ?? [])
  const presented = [leaf, ...between]
  const reason =
    chainProblem(presented, trust, now) ?? (isNameListed(leaf.names) ? undefined : 'name-not-listed')
  const { dns, email, uri } = leaf.names
  return {
    certificate: {
      presented: true,
      validity: reason === undefined ? 'valid' : 'invalid',
      reason,
      fingerprint,
      spkiHash: leaf.spkiHash,
      sanDns: dns,
      sanEmail: email,
      sanUri: uri,
      subject: leaf.x509.subject?.replaceAll('\n', ', ') ?? '',
    },
    times: presented.flatMap(timesOf),
  }
}

function dersOf(chain: string): readonly Buffer[] {
  try {
    return pemBlocks(decodeURIComponent(chain), /^CERTIFICATE$/).map((block) =>
      Buffer.from(block.replace(/-----[^-]+-----/g, ''), 'base64'),
    )
  } catch {
    return []
  }
}

function readOrNothing(der: Buffer | undefined): ParsedCertificate | undefined {
  try {
    return der && parseCertificate(der)
  } catch {
    return undefined
  }
}
