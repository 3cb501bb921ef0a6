/**
 * The subject alternative names of a certificate.
 *
 * A name is text from whoever asked for the certificate, so one that could be read in two ways makes the
 * whole list malformed: `app.example.com\0.evil.test` is one name to some readers and another to others.
 *
 * @see RFC 5280 section 4.2.1.6
 * @module
 */

import { isUtf8 } from 'node:buffer'
import ipaddr from 'ipaddr.js'
import { childrenOf, context, type DerElement, elementsOf, oidOf, onlyElement, Tag } from './der.ts'

export interface AlternativeNames {
  readonly dns: readonly string[]
  readonly email: readonly string[]
  readonly uri: readonly string[]
  /** In the shortest form (RFC 5952 for IPv6). */
  readonly ip: readonly string[]
  /** Of Active Directory. */
  readonly userPrincipalName: readonly string[]
  /** All of them, of other kinds too, as they are encoded. */
  readonly encoded: readonly DerElement[]
}

export const NO_NAMES: AlternativeNames = {
  dns: [],
  email: [],
  uri: [],
  ip: [],
  userPrincipalName: [],
  encoded: [],
}

/** `GeneralName` by its tag. */
export const NameTag = {
  other: context(0),
  email: context(1, false),
  dns: context(2, false),
  directory: context(4),
  uri: context(6, false),
  ip: context(7, false),
} as const

const USER_PRINCIPAL_NAME = '1.3.6.1.4.1.311.20.2.3'

/** @throws {RangeError} for a name that is malformed, or that has a character it can't have */
export function alternativeNames(value: Buffer): AlternativeNames {
  const encoded = childrenOf(onlyElement(value, Tag.sequence), Tag.sequence)
  const read = (wanted: number, readOne: (content: Buffer) => string | undefined) =>
    encoded.flatMap(({ tag, content }) => (tag === wanted ? (readOne(content) ?? []) : []))
  return {
    dns: read(NameTag.dns, plainText),
    email: read(NameTag.email, plainText),
    uri: read(NameTag.uri, plainText),
    ip: read(NameTag.ip, addressText),
    userPrincipalName: read(NameTag.other, userPrincipalName),
    encoded,
  }
}

/** IA5String. */
function plainText(content: Buffer): string {
  const text = content.toString('latin1')
  if (!/^[\x20-\x7e]+$/.test(text)) throw new RangeError('has a name with a character it can’t have')
  return text
}

function addressText(content: Buffer): string {
  if (content.length !== 4 && content.length !== 16) throw new RangeError('has a malformed IP address')
  const groups = Array.from({ length: 8 }, (_, index) => content.subarray(index * 2, index * 2 + 2))
  return content.length === 4
    ? content.join('.')
    : ipaddr.parse(groups.map((group) => group.toString('hex')).join(':')).toString()
}

/** `OtherName`: an OID, and a text if it is the one we know. */
function userPrincipalName(content: Buffer): string | undefined {
  const [type, value] = elementsOf(content)
  if (oidOf(type) !== USER_PRINCIPAL_NAME) return undefined
  const [text] = childrenOf(value, context(0))
  return textOf(text)
}

function textOf(element: DerElement | undefined): string {
  const isText =
    element !== undefined &&
    (element.tag === Tag.utf8String ||
      element.tag === Tag.ia5String ||
      element.tag === Tag.printableString) &&
    isUtf8(element.content)
  const text = isText ? element.content.toString('utf8') : ''
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  if (text === '' || /[\x00-\x1f\x7f-\x9f]/.test(text))
    throw new RangeError('has a name with a character it can’t have')
  return text
}
