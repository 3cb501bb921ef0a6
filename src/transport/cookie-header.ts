/**
 * Reading a `Cookie` header, in the one way in which browsers write it.
 *
 * Others read more into it: white space beyond ASCII around names, commas and `$Version` for separators,
 * pairs inside quotes. A neighbour on the domain can put any of these into a cookie of its own, and by them a
 * name that browsers guard (`__Host-`). So what counts is what a browser calls the name, and nothing else.
 *
 * @see draft-ietf-httpbis-rfc6265bis section 5.8
 * @module
 */

export interface CookiePair {
  readonly name: string
  /** Without quotes around it. */
  readonly value: string
}

export function cookiePairs(header: string | undefined): readonly CookiePair[] {
  if (header === undefined) return []
  const pairs: CookiePair[] = []
  for (const text of header.split(';')) {
    const pair = cookiePair(text)
    if (pair !== undefined) pairs.push(pair)
  }
  return pairs
}

/** `undefined` for text without a name. */
export function cookiePair(text: string): CookiePair | undefined {
  const at = text.indexOf('=')
  const name = at < 0 ? '' : withoutBlanks(text.slice(0, at))
  if (name === '') return undefined
  const value = withoutBlanks(text.slice(at + 1))
  return { name, value: isQuoted(value) ? value.slice(1, -1) : value }
}

/**
 * By characters: a header may hold ten thousand of them, and a regular expression is the dearest part of
 * each.
 */
const isQuoted = (value: string) => value.length > 1 && value.startsWith('"') && value.endsWith('"')

/** Not `trim`, which takes the white space of Unicode for a blank. */
function withoutBlanks(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isBlank(text.charCodeAt(from))) from += 1
  while (from < to && isBlank(text.charCodeAt(to - 1))) to -= 1
  return text.slice(from, to)
}

const SPACE = 0x20
const TAB = 0x09
const isBlank = (code: number) => code === SPACE || code === TAB
