/**
 * E-mail addresses as they are compared, in policies, directories and tables alike. Pure.
 *
 * They are compared without case, which for ASCII letters everybody does alike. Other letters are read in two
 * ways: as they stand, and as the most lenient program would (NFKC, so that look-alike forms become plain
 * letters, and without case). What fits by one reading alone is unknown. Names of domains are compared in
 * their ASCII form (RFC 5891), so `münchen.example` and `xn--mnchen-3ya.example` are one.
 *
 * @module
 */
import { domainToASCII, domainToUnicode } from 'node:url'

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
 * One `@`, no quotes, comments, blanks, controls or invisible characters, and a domain of labels between
 * single dots. Of any other form programs differ about where the domain begins, or whose address it is.
 */
const PLAIN =
  /^(?<local>[^\s@"(),:;<>[\]\\\p{C}\p{Z}]+)@(?<domain>[\p{L}\p{M}\p{N}_-]+(?:\.[\p{L}\p{M}\p{N}_-]+)*)$/u

/** `undefined` for what is no plain address. */
export function readMail(text: string): MailReadings | undefined {
  const { local, domain } = PLAIN.exec(text)?.groups ?? {}
  if (local === undefined || domain === undefined) return undefined
  const plain = mail(lowerAscii(local), domainForms.plain(domain))
  if (isAscii(text) && !/xn--/i.test(domain)) return { plain, lenient: plain }
  return { plain, lenient: mail(lenient(local), domainForms.lenient(domain)) }
}

/** By what lists of people are looked into: one text for all spellings of an address. */
export interface MailKey {
  readonly key: string
  /**
   * False where it is not certain that this text is that address: it may shut somebody out, and gives
   * nothing.
   */
  readonly isSure: boolean
}

export function mailKey(text: string): MailKey {
  const read = readMail(text)
  if (read === undefined) {
    const guess = readMail(bareMail(text))
    return { key: guess?.lenient.address ?? lenient(text), isSure: false }
  }
  const { plain, lenient: other } = read
  const local = text.slice(0, text.indexOf('@'))
  return { key: other.address, isSure: isClean(local) && plain.domain === other.domain }
}

/** The address that was probably meant: without what stands around it, and without what nobody sees. */
function bareMail(text: string): string {
  const inside = /<([^<>]*)>\s*$/.exec(text)?.[1] ?? text
  return inside
    .replaceAll(/\([^()]*\)|[\s\p{C}\p{Z}"<>]/gu, '')
    .replaceAll(/[\u3002\uFF0E\uFF61]/g, '.')
    .replace(/^mailto:/i, '')
    .replace(/\.+$/, '')
}

function mail(local: string, domain: string): MailAddress {
  return { address: `${local}@${domain}`, local, domain }
}

/** Of whole names of domains, and of parts that begin or end between labels. */
export const domainForms: TextForms = {
  plain: (text) => labels(text, (label) => (isClean(label) ? asciiLabel(label) : lowerAscii(label))),
  lenient: (text) => labels(lenient(labels(text, unicodeLabel)), asciiLabel),
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

/**
 * Over upper case, for letters that have more than one lower form; the dot is what a Turkish capital leaves.
 */
function lenient(text: string): string {
  if (isAscii(text)) return text.toLowerCase()
  return text.normalize('NFKC').toUpperCase().toLowerCase().replaceAll('\u0307', '').normalize('NFC')
}

/** The one sign of which a lower-case letter of ASCII becomes. */
const KELVIN = '\u212A'

/** Whether the two ways of reading it come to the same, but for case. */
function isClean(label: string): boolean {
  if (isAscii(label)) return true
  return lenient(label) === label.toLowerCase().normalize('NFC') && !label.includes(KELVIN)
}

function labels(text: string, form: (label: string) => string): string {
  return text.split('.').map(form).join('.')
}

/** So that the ASCII form of a letter such as `ß` is read as its other spellings are. */
function unicodeLabel(label: string): string {
  return /^xn--/i.test(label) ? domainToUnicode(label) || label : label
}

function asciiLabel(label: string): string {
  return isAscii(label) ? label.toLowerCase() : domainToASCII(label) || label
}
