/**
 * For which names an authority may speak.
 *
 * What can't be compared is refused: a constraint that is passed over would let an authority speak for
 * anybody.
 *
 * @see RFC 5280 section 4.2.1.10
 * @module
 */

import { childrenOf, context, type DerElement, elementsOf, oidOf, onlyElement, Tag } from './der.ts'
import { NameTag } from './names.ts'

/** A name, or the base of a subtree: the tag says of which kind. */
export type GeneralName = Pick<DerElement, 'tag' | 'content'>

export interface NameConstraints {
  readonly permitted: readonly GeneralName[]
  readonly excluded: readonly GeneralName[]
}

/** @throws {RangeError} */
export function nameConstraints(value: Buffer): NameConstraints {
  const parts = childrenOf(onlyElement(value, Tag.sequence), Tag.sequence)
  const subtreesOf = (tag: number) =>
    elementsOf(parts.find((part) => part.tag === tag)?.content ?? Buffer.alloc(0)).map(subtreeBase)
  return { permitted: subtreesOf(context(0)), excluded: subtreesOf(context(1)) }
}

function subtreeBase(subtree: DerElement): GeneralName {
  const [base, ...range] = childrenOf(subtree, Tag.sequence)
  // `minimum` and `maximum` are not used with certificates
  if (base === undefined || range.length > 0) throw new RangeError('has a malformed name constraint')
  return base
}

/** @param names of a certificate; its subject counts among them as a directory name */
export function arePermitted(
  { permitted, excluded }: NameConstraints,
  names: readonly GeneralName[],
): boolean {
  return names.every((name) => {
    const bases = (subtrees: readonly GeneralName[]) => subtrees.filter(({ tag }) => tag === name.tag)
    const allowed = bases(permitted)
    try {
      return (
        (allowed.length === 0 || allowed.some(({ content }) => isWithin(name, content))) &&
        !bases(excluded).some(({ content }) => isWithin(name, content))
      )
    } catch {
      return false
    }
  })
}

/** @throws {RangeError} when the two can't be compared */
function isWithin({ tag, content }: GeneralName, base: Buffer): boolean {
  switch (tag) {
    case NameTag.dns:
      return isHostWithin(content.toString('latin1'), base.toString('latin1').replace(/^\./, ''), true)
    case NameTag.email:
      return isMailboxWithin(content.toString('latin1'), base.toString('latin1'))
    case NameTag.uri:
      return isHostWithin(hostOf(content.toString('latin1')), base.toString('latin1'))
    case NameTag.ip:
      return isAddressWithin(content, base)
    case NameTag.directory: {
      const wanted = relativeNames(base)
      const names = relativeNames(content)
      return wanted.every((name, index) => name === names[index])
    }
    default:
      throw new RangeError('is of a kind that can’t be compared')
  }
}

/**
 * @param isForBelow whether the base stands for the names below it too; else only one with a dot in front
 * does
 */
function isHostWithin(host: string, base: string, isForBelow = false): boolean {
  const name = host.toLowerCase()
  const domain = base.toLowerCase()
  if (domain === '' || domain.startsWith('.')) return name.endsWith(domain)
  return name === domain || (isForBelow && name.endsWith(`.${domain}`))
}

function isMailboxWithin(mailbox: string, base: string): boolean {
  const [local, host, ...more] = mailbox.split('@')
  if (host === undefined || more.length > 0) throw new RangeError('is no mailbox')
  const [baseLocal, baseHost] = base.split('@')
  if (baseHost === undefined) return isHostWithin(host, base)
  return local === baseLocal && host.toLowerCase() === baseHost.toLowerCase()
}

/** @see RFC 5280: a URI without a host can't be judged by a constraint */
function hostOf(uri: string): string {
  const host = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([a-z0-9.-]+)(?::\d*)?(?:[/?#]|$)/i.exec(uri)?.[1]
  if (host === undefined) throw new RangeError('has no host')
  return host
}

/** The base is an address and a mask of the same length. */
function isAddressWithin(address: Buffer, base: Buffer): boolean {
  const { length } = address
  if (base.length !== 2 * length) {
    if (base.length === 8 || base.length === 32) return false
    throw new RangeError('is no range of addresses')
  }
  return address.every((byte, at) => {
    const mask = base[length + at] ?? 0
    return (byte & mask) === ((base[at] ?? 0) & mask)
  })
}

/**
 * The parts of a `Name`, the most significant first, in a form that compares as RFC 5280 section 7.1 wants.
 */
function relativeNames(name: Buffer): readonly string[] {
  return childrenOf(onlyElement(name, Tag.sequence), Tag.sequence).map((part) =>
    childrenOf(part, Tag.set)
      .map((attribute) => {
        const [type, value] = childrenOf(attribute, Tag.sequence)
        return `${oidOf(type)}=${comparable(value)}`
      })
      .toSorted()
      .join('+'),
  )
}

function comparable(value: DerElement | undefined): string {
  const isText =
    value?.tag === Tag.utf8String || value?.tag === Tag.printableString || value?.tag === Tag.ia5String
  if (!isText) throw new RangeError('has an attribute that can’t be compared')
  return value.content.toString('utf8').normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ')
}
