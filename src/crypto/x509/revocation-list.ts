/**
 * Certificate revocation lists: which serial numbers a certificate authority has taken back.
 *
 * @see RFC 5280 section 5
 * @module
 */

import { verify, type X509Certificate } from 'node:crypto'
import { atOnce, each, type Work } from '../../turns.ts'
import { type Parsed, pemBlocks, pemOf } from './certificate.ts'
import { certificateFields, isRsaPss, signatureDigest } from './certificate-fields.ts'
import {
  childrenOf,
  context,
  type DerElement,
  type Extension,
  elementsOf,
  extensionsOf,
  onlyElement,
  Tag,
  timeOf,
} from './der.ts'

export interface RevocationList {
  /** DER of the issuer's `Name`. */
  readonly issuer: Buffer
  /** Epoch milliseconds. */
  readonly thisUpdate: number
  /** When the next list is due: from then on this one says nothing. Undefined when it never is. */
  readonly nextUpdate: number | undefined
  /** Hex of serial numbers as they are encoded. */
  readonly serials: ReadonlySet<string>
  /** Whether it is signed by the key of that certificate. */
  isSignedBy(authority: X509Certificate): boolean
}

const ISSUING_DISTRIBUTION_POINT = '2.5.29.28'

type ParsedLists = Parsed<{ readonly pem: string; readonly lists: readonly RevocationList[] }>

let latest: { readonly pem: string | undefined; readonly parsed: ParsedLists } | undefined

/**
 * Every list of a PEM text, in order. The latest is remembered: it is asked for several times in each
 * generation.
 */
export function parseRevocationLists(text: string): ParsedLists {
  return atOnce(revocationListWork(text))
}

/** The same with places to pause: a list may have a hundred thousand entries. */
export function* revocationListWork(text: string): Work<ParsedLists> {
  const pem = pemOf(text)
  if (latest !== undefined && latest.pem === pem) return latest.parsed
  const parsed = yield* parsePem(pem)
  latest = { pem, parsed }
  return parsed
}

function* parsePem(pem: string | undefined): Work<ParsedLists> {
  const blocks = pem === undefined ? [] : pemBlocks(pem, /^X509 CRL$/)
  if (pem === undefined || blocks.length === 0) {
    return {
      wrong:
        'holds no revocation list in PEM form (`openssl crl -inform DER -in list.crl -out list.pem` makes one)',
    }
  }
  const lists: RevocationList[] = []
  for (const [index, block] of blocks.entries()) {
    const name = blocks.length === 1 ? 'the revocation list' : `list ${index + 1} of ${blocks.length}`
    try {
      const der = Buffer.from(block.replace(/-----[^-]+-----/g, ''), 'base64')
      yield
      lists.push(yield* revocationList(der))
    } catch (error) {
      const reason = error instanceof Unfit ? error.message : 'cannot be read'
      return { wrong: `${name} ${reason}` }
    }
  }
  return { value: { pem, lists } }
}

const isTime = ({ tag }: DerElement): boolean => tag === Tag.utcTime || tag === Tag.generalizedTime

/** Readable, but not to be judged by. */
class Unfit extends Error {}

function* revocationList(der: Buffer): Work<RevocationList> {
  const [body, algorithm, signature] = childrenOf(onlyElement(der, Tag.sequence), Tag.sequence)
  const fields = childrenOf(body, Tag.sequence)
  const [inner, issuer, thisUpdate, ...rest] = fields[0]?.tag === Tag.integer ? fields.slice(1) : fields
  if (body === undefined || issuer === undefined || signature?.tag !== Tag.bitString)
    throw new RangeError('is not a revocation list')
  if (algorithm === undefined || inner?.raw.equals(algorithm.raw) !== true)
    throw new RangeError('names two signature algorithms')
  const digest = signatureDigest(algorithm)
  if (digest === undefined) throw new Unfit('is signed with MD5 or SHA-1, which anybody may forge')
  if (isRsaPss(algorithm)) throw new Unfit('is signed with RSA-PSS, which is not supported for lists yet')

  const nextUpdate = rest.find(isTime)
  const revoked = rest.find(({ tag }) => tag === Tag.sequence)
  const extensions = rest.find(({ tag }) => tag === context(0))
  if (extensions !== undefined) refuseForeign(extensionsOf(elementsOf(extensions.content)[0]))
  return {
    issuer: issuer.raw,
    thisUpdate: timeOf(thisUpdate),
    nextUpdate: nextUpdate && timeOf(nextUpdate),
    serials: revoked === undefined ? new Set() : yield* serialsOf(revoked),
    isSignedBy: (authority) =>
      certificateFields(authority).subject.equals(issuer.raw) &&
      verify(
        digest === 'none' ? null : digest,
        body.raw,
        authority.publicKey,
        // the first octet of a bit string counts the bits that are unused
        signature.content.subarray(1),
      ),
  }
}

function* serialsOf(revoked: DerElement): Work<ReadonlySet<string>> {
  const serials = new Set<string>()
  // they repeat: a reason, mostly
  const harmless = new Set<string>()
  yield* each(childrenOf(revoked, Tag.sequence), (entry) => {
    const [serial, , extensions] = childrenOf(entry, Tag.sequence)
    if (serial?.tag !== Tag.integer) throw new RangeError('is not a serial number')
    if (extensions !== undefined) {
      const { bytes, at, end } = extensions
      const text = bytes.toString('latin1', at, end)
      // such as whose certificate it is, in a list that speaks for other authorities too
      if (!harmless.has(text) && extensionsOf(extensions).some(({ isCritical }) => isCritical))
        throw new Unfit('has entries with conditions, which are not supported')
      harmless.add(text)
    }
    serials.add(serial.bytes.toString('hex', serial.from, serial.end))
  })
  return serials
}

/** A list that is not the whole truth about its authority's certificates would let revoked ones pass. */
function refuseForeign(extensions: readonly Extension[]): void {
  for (const { oid, isCritical, value } of extensions) {
    if (oid === ISSUING_DISTRIBUTION_POINT) refuseNarrow(value)
    else if (isCritical) throw new Unfit('is a delta or has another critical extension that is not supported')
  }
}

/** @see RFC 5280 section 5.2.5 */
function refuseNarrow(value: Buffer): void {
  const isNarrow = childrenOf(onlyElement(value, Tag.sequence), Tag.sequence).some(
    // the place it was fetched from, and that it is about certificates of users, both of which do no harm
    ({ tag }) => tag !== context(0) && tag !== context(1, false),
  )
  if (isNarrow) throw new Unfit('speaks for some certificates or some reasons only, which is not supported')
}
