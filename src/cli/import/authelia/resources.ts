/**
 * Patterns of paths: as routes have them, and how two of them stand to each other.
 *
 * Authelia looks for a pattern anywhere in path and query. A route of ours has the whole path, and no query.
 *
 * @module
 */

/** A path with or without more below it, or with a query: the same for the path alone. */
const BELOW_OR_QUERY = /\(\??:?\[(?:\/\\?\?|\\?\?\/)\]\.\*\)\?\$$/
const QUERY_AT_END = /\((?:\?:)?\\\?(?:\.\*|\|\$)?\)\??\$$/

/** The pattern without what it says of the query; `undefined` where that can't be taken off. */
export function withoutQuery(pattern: string): string | undefined {
  const path = pattern.replace(BELOW_OR_QUERY, '(/.*)?$').replace(QUERY_AT_END, '$')
  return /\\\?|\[[^\]]*\?[^\]]*\]/.test(path) ? undefined : path
}

/** What a path is before a query begins; for patterns whose query can't be taken off. */
export function beforeQuery(pattern: string): string {
  const path = /^\^(?:[\w/.~-]|\\[.\-/])*/.exec(pattern)?.[0] ?? '^'
  return path
}

/** For a route: the pattern anywhere in the path. */
export function wholePath(pattern: string): string {
  const [, simple] = /^\^((?:[\w/.~-]|\\[.\-/])*)\$$/.exec(pattern) ?? []
  return simple ?? `(?s:.*)(?:${pattern})(?s:.*)`
}

interface Shape {
  /** With what each path of the pattern begins; empty where that is not known. */
  readonly start: string
  /** Whether all that begins so is of the pattern: `path`, at the border of a segment; `text`, anyhow. */
  readonly isAll: 'text' | 'path' | undefined
}

function shapeOf(pattern: string): Shape {
  const [, literal, rest] = /^\^((?:[\w/~-]|\\[.\-/])*)(.*)$/s.exec(pattern) ?? []
  if (literal === undefined || rest === undefined || hasAlternatives(rest))
    return { start: '', isAll: undefined }
  const text = literal.replaceAll('\\', '')
  if (rest === '' || rest === '.*' || rest === '.*$') return { start: text, isAll: 'text' }
  if (/^\(\/\.\*\)\?\$$/.test(rest)) return { start: text, isAll: 'path' }
  // A quantifier may take the last letter away.
  return { start: /^[?*+{]/.test(rest) ? text.slice(0, -1) : text, isAll: undefined }
}

/** Those outside of groups, which make of an anchor one for a part only. */
function hasAlternatives(text: string): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at]
    if (letter === '\\') at += 1
    else if (letter === '[') return text.includes('|')
    else if (letter === '(') depth += 1
    else if (letter === ')') depth -= 1
    else if (letter === '|' && depth === 0) return true
  }
  return false
}

/** Whether paths of the first pattern are of the second: all, none, or it can't be told. */
export function relation(first: string, second: string): 'all' | 'none' | 'unknown' {
  if (first === second) return 'all'
  const [one, other] = [shapeOf(first), shapeOf(second)]
  if (other.isAll === 'text' && one.start.startsWith(other.start)) return 'all'
  const isBelow = one.start === other.start ? one.isAll === 'path' : one.start.startsWith(`${other.start}/`)
  if (other.isAll === 'path' && isBelow) return 'all'
  const mayMeet = one.start.startsWith(other.start) || other.start.startsWith(one.start)
  return mayMeet ? 'unknown' : 'none'
}
