/**
 * The ways in which an application may read a path: the one place that says so.
 *
 * The criterion `http_path` and the choice of a route (`route-match.ts` of config/) judge all of them. A rule
 * on which they disagree is unknown, and a request for which they choose different routes is refused
 * (docs/decisions/one-reading-of-a-path.md).
 *
 * What servers do was seen on Tomcat, Flask, Django and Node, and on proxies behind proxies: they cut
 * parameters off segments, undo escapes (once or until none is left), end a path at an escaped `?`, read a
 * backslash as a slash, join slashes and resolve dots.
 *
 * @module
 */

export interface PathReadings {
  /** Escapes stay as they came. The first is the path itself. */
  readonly asWritten: readonly string[]
  /** Escapes are undone of whatever may stand in a path without one. */
  readonly unescaped: readonly string[]
}

/** Whatever can make two readings; a quick look that nearly every path passes. */
const SUSPECT = /%(?:[0-7u]|U|.?[a-f])|[;\\?#]|\/\/|\/\.{1,2}(?:\/|$)/

/**
 * Servers take 8 KB for the line that holds the path. A longer one is only passed on where nothing hangs on
 * it.
 */
const LONGEST = 8192

/** An honest path has four at most. */
const MOST_READINGS = 48

let last: { readonly path: string; readonly readings: PathReadings | undefined } = {
  path: '',
  readings: { asWritten: [''], unescaped: [''] },
}

/** Undefined for a path with too many readings to look at. The last answer is kept: rules come in rows. */
export function readingsOf(path: string): PathReadings | undefined {
  if (path !== last.path) last = { path, readings: SUSPECT.test(path) ? read(path) : plain(path) }
  return last.readings
}

function plain(path: string): PathReadings {
  const one = [path]
  return { asWritten: one, unescaped: one }
}

function read(path: string): PathReadings | undefined {
  if (path.length > LONGEST) return undefined
  const target = path.replace(/[?#].*$/s, '')
  const asWritten = resolved([path, target])
  const bare: string[] = []
  for (const base of [target, withoutParameters(target)]) {
    const full = unescapePath(base)
    if (full === undefined) return undefined
    for (const text of [undoEscapes(base), full]) bare.push(text, withoutEscapedQuery(text), trimmed(text))
  }
  const unescaped = resolved(bare)
  return asWritten.length + unescaped.length > MOST_READINGS ? undefined : { asWritten, unescaped }
}

/** What is left when slashes, parameters, empty and dot segments are read in each of the ways. */
function resolved(paths: readonly string[]): readonly string[] {
  let found = new Set(paths)
  for (const step of STEPS) found = new Set([...found, ...Array.from(found, step)])
  return [...found]
}

/** Servlet 6.0 section 3.5: `;` and what follows it in a segment is no part of its name. */
const withoutParameters = (path: string): string => path.replaceAll(/;[^/]*/g, '')

/** Programs that undo escapes before they look for a query take `/admin%3Fx` for `/admin`. */
const withoutEscapedQuery = (path: string): string => path.replace(/%(?:3F|23).*$/s, '')

/** Some trim each segment, and to a pattern that ends in `$` a last line break is nothing. */
const trimmed = (path: string): string =>
  path.replaceAll(
    /\/(?:%(?:[01][0-9A-F]|20|7F))+|(?<!%(?:[01][0-9A-F]|20|7F))(?:%(?:[01][0-9A-F]|20|7F))+(?=\/|$)/g,
    (blanks) => (blanks.startsWith('/') ? '/' : ''),
  )

const joinSlashes = (path: string): string => path.replaceAll(/\/{2,}/g, '/')

/** RFC 3986 section 5.2.4; an escaped dot is a dot. */
function resolveDots(path: string): string {
  if (!/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path)) return path
  const kept: string[] = []
  const segments = path.slice(1).split('/')
  for (const [index, segment] of segments.entries()) {
    const name = segment.replaceAll(/%2e/gi, '.')
    if (name === '..') kept.pop()
    if (name !== '.' && name !== '..') kept.push(segment)
    else if (index === segments.length - 1) kept.push('')
  }
  return `/${kept.join('/')}`
}

function withSlashes(path: string): string {
  return path.replaceAll('\\', '/')
}

/** In the order in which servers take them; some join slashes before they resolve dots, some after. */
const STEPS = [
  withSlashes,
  withoutParameters,
  // A parameter may have held one.
  withSlashes,
  joinSlashes,
  resolveDots,
  joinSlashes,
]

/** Escapes within escapes, as `%252e`, are undone as well; nobody honest nests them deeper. */
const DEEPEST = 4

/**
 * The same path with no escape of a character that could stand there without one. Other escapes, such as
 * `%20` and `%C3%A9`, stay in upper case: they have one reading. Undefined when escapes are nested too deep.
 */
export function unescapePath(path: string): string | undefined {
  let before = path
  for (let depth = 0; depth < DEEPEST; depth++) {
    const after = undoEscapes(before.replaceAll(/%(?:25)+(?=(?:u[0-9a-f]{2})?[0-9a-f]{2})/gi, '%'))
    if (after === before) return after
    before = after
  }
  return undefined
}

/** Once, as a server does that nobody is behind. */
const undoEscapes = (path: string): string =>
  path.replaceAll(/%25(?=(?:u[0-9a-f]{2})?[0-9a-f]{2})|%u[0-9a-f]{4}|%[0-9a-f]{2}/gi, (escape) =>
    escape === '%25' ? '%' : unescapePlain(/^%u/i.test(escape) ? inBytes(escape) : escape),
  )

/** IIS takes `%u00e9` for `é`. Halves of a letter stay: they are none. */
function inBytes(escape: string): string {
  const letter = String.fromCharCode(Number.parseInt(escape.slice(2), 16))
  if (letter < '\u0080') return `%${escape.slice(4)}`
  return letter.isWellFormed() ? encodeURIComponent(letter) : escape
}

/**
 * `?`, `#` and `%` would mean something else, and white space and bytes beyond ASCII can't stand in a
 * request.
 */
function unescapePlain(escape: string): string {
  if (escape.length !== 3) return escape
  const letter = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
  return /[!-~]/.test(letter) && !/[%?#]/.test(letter) ? letter : escape.toUpperCase()
}
