/**
 * Texts in policies that no address and no domain can ever fit, and what was probably meant.
 *
 * @module
 */

import { readMail } from '../../mail-address.ts'
import { isMapping, type Path, type Report } from '../problem.ts'

/** Matcher keys that compare with the whole value; the empty key stands for a bare scalar. */
const WHOLE = new Set(['', 'is', 'in', 'not', 'not_in'])

type Check = (text: string, key: string) => string | undefined

/** Reports the texts of a condition on addresses that can never fit. */
export function mailTextProblem(data: unknown, at: Path, report: Report): void {
  forEachText(data, at, report, (text, key) => {
    const wrong = wrongIn(text, key, 'an e-mail address')
    if (wrong !== undefined) return wrong
    if (text.indexOf('@') !== text.lastIndexOf('@')) return 'can never fit: an address has one "@"'
    if (!WHOLE.has(key) || readMail(text) !== undefined) return undefined
    if (text.startsWith('@')) return `can never fit a whole address; write {ends_with: "${text}"}, or domain`
    return text.includes('@')
      ? 'is no e-mail address'
      : `is no e-mail address; write domain: "${text}" for all addresses of a domain`
  })
}

/** Reports the texts of a condition on domains that can never fit. */
export function domainTextProblem(data: unknown, at: Path, report: Report): void {
  forEachText(data, at, report, (text, key) => {
    const after = text.slice(text.lastIndexOf('@') + 1)
    const wrong = wrongIn(text, key, 'a domain')
    if (wrong !== undefined) return wrong
    if (text.includes('@'))
      return `can never fit: a domain is what follows the "@"${after === '' ? '' : `; write "${after}"`}`
    if (!WHOLE.has(key)) return undefined
    if (text.startsWith('.')) return `can never fit a whole domain; write {ends_with: "${text}"}`
    return readMail(`a@${text}`) === undefined ? 'is no domain' : undefined
  })
}

/** @param what the value is */
function wrongIn(text: string, key: string, what: string): string | undefined {
  if (/[\s\p{C}\p{Z}]/u.test(text)) return `holds a blank or an invisible character, which ${what} never does`
  if (text.includes('*')) {
    const rest = text.slice(text.lastIndexOf('*') + 1)
    return `there are no patterns${rest === '' ? '' : `; write {ends_with: "${rest}"}`}`
  }
  if (text.endsWith('.') && (WHOLE.has(key) || key === 'ends_with'))
    return `ends with a dot, which ${what} never does; leave it out`
  return undefined
}

function forEachText(data: unknown, at: Path, report: Report, check: Check): void {
  const entries = isMapping(data) ? Object.entries(data) : [['', data] as const]
  for (const [key, value] of entries) {
    const where = isMapping(data) ? [...at, key] : at
    const texts: readonly unknown[] = Array.isArray(value) ? value : [value]
    texts.forEach((text, index) => {
      const wrong = typeof text === 'string' && text !== '' ? check(text, key) : undefined
      if (wrong !== undefined)
        report(Array.isArray(value) ? [...where, index] : where, `"${String(text)}" ${wrong}`)
    })
  }
}
