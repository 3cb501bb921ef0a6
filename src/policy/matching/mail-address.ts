/**
 * E-mail addresses as policies compare them. Pure.
 *
 * They are compared without case, which for ASCII letters everybody does alike. Other letters are read in two ways:
 * as they stand, and as the most lenient program would (NFKC, so that look-alike forms become plain letters, and
 * without case). What fits by one reading alone is unknown. Names of domains are compared in their ASCII form
 * (RFC 5891), so `münchen.example` and `xn--mnchen-3ya.example` are one.
 *
 * @module
 */
import { domainToASCII } from 'node:url'
import type { Identified } from '../decision.ts'
import type { Lack } from '../missing-facts.ts'

export interface MailAddress {
  readonly address: string
  readonly local: string
  readonly domain: string
}

/** Of an address in ASCII both are the same object. */
export interface MailReadings {
  readonly plain: MailAddress
  readonly lenient: MailAddress
}

/** The two forms that a text of a policy is compared in. */
export interface TextForms {
  readonly plain: (text: string) => string
  readonly lenient: (text: string) => string
}

/**
 * One `@`, no quotes, comments, blanks, controls or invisible characters, and a domain of labels between single dots.
 * Of any other form programs differ about where the domain begins, or whose address it is.
 */
const PLAIN =
  /^(?<local>[^\s@"(),:;<>[\]\\\p{C}\p{Z}]+)@(?<domain>[\p{L}\p{M}\p{N}_-]+(?:\.[\p{L}\p{M}\p{N}_-]+)*)$/u

/** `undefined` for what is no plain address. */
export function readMail(text: string): MailReadings | undefined {
  const { local, domain } = PLAIN.exec(text)?.groups ?? {}
  if (local === undefined || domain === undefined) return undefined
  const plain = mail(lowerAscii(local), domainForms.plain(domain))
  if (isAscii(text)) return { plain, lenient: plain }
  return { plain, lenient: mail(lenient(local), domainForms.lenient(domain)) }
}

function mail(local: string, domain: string): MailAddress {
  return { address: `${local}@${domain}`, local, domain }
}

/** The address by which somebody is judged, or why there is none. */
export function mailOf(someone: Identified): MailReadings | Lack {
  const { kind, email, claims } = someone
  if (email !== undefined && email !== '') return readMail(email) ?? 'malformed'
  // Machines have an address where an operator has given them one.
  if (kind !== 'user') return 'none'
  const [given] = Object.hasOwn(claims, 'email') ? (claims['email'] ?? []) : []
  if (given === undefined || given === '') return 'absent'
  return readMail(given) === undefined ? 'malformed' : 'unverified'
}

/** Of whole names of domains, and of parts that begin or end between labels. */
export const domainForms: TextForms = {
  plain: (text) => labels(text, (label) => (isClean(label) ? asciiLabel(label) : lowerAscii(label))),
  lenient: (text) => labels(lenient(text), asciiLabel),
}

/** Of addresses, and of their parts. */
export const mailForms: TextForms = {
  plain: (text) => parts(text, lowerAscii, domainForms.plain),
  lenient: (text) => parts(text, lenient, domainForms.lenient),
}

function parts(text: string, local: (part: string) => string, domain: (part: string) => string): string {
  const sign = text.indexOf('@')
  return sign < 0 ? local(text) : `${local(text.slice(0, sign))}@${domain(text.slice(sign + 1))}`
}

const isAscii = (text: string): boolean => /^[ -~]*$/.test(text)

/** Unlike `toLowerCase`, which makes a plain `k` of the sign for kelvin. */
function lowerAscii(text: string): string {
  return isAscii(text) ? text.toLowerCase() : text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** Over upper case, for letters that have more than one lower form; the dot is what a Turkish capital leaves. */
function lenient(text: string): string {
  if (isAscii(text)) return text.toLowerCase()
  return text.normalize('NFKC').toUpperCase().toLowerCase().replaceAll('\u0307', '').normalize('NFC')
}

/** Whether the two ways of reading it come to the same, but for case. */
function isClean(label: string): boolean {
  return isAscii(label) || lenient(label) === label.toLowerCase().normalize('NFC')
}

function labels(text: string, form: (label: string) => string): string {
  return text.split('.').map(form).join('.')
}

function asciiLabel(label: string): string {
  return isAscii(label) ? label.toLowerCase() : domainToASCII(label) || label
}
