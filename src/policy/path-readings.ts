/**
 * The ways in which an application may read a path.
 *
 * Envoy hands over paths in normal form, and then there is one reading. But its normalisation can be
 * configured away (`normalize_path`, `merge_slashes`, `path_with_escaped_slashes_action`), and then `//admin`,
 * `/public/%2e%2e/admin` or `/public%2F..%2Fadmin` means one thing to a prefix rule and another to the
 * application. A path criterion that the readings disagree on is unknown: it neither allows nor lets pass.
 *
 * @module
 */

/** Whatever can make two readings; a quick look that nearly every path passes. */
const SUSPECT = /%[2-7]|\/\/|\/\.|[\\?#]/

let last: { readonly path: string; readonly readings: readonly string[] } = { path: '', readings: [''] }

/** The path as it came and, if that differs, in its plainest form. The last answer is kept: rules come in rows. */
export function readingsOf(path: string): readonly string[] {
  if (path !== last.path) last = { path, readings: read(path) }
  return last.readings
}

function read(path: string): readonly string[] {
  if (!SUSPECT.test(path)) return [path]
  const plain = plainest(path)
  return plain === path ? [path] : [path, plain]
}

/**
 * RFC 3986 §6.2.2 with what servers are known to do on top: an escaped slash or backslash is a slash, empty
 * segments vanish, and a path parameter (`..;x`) does not hide a dot segment. Other escapes stay, since a
 * rule is written in the same escapes as the request.
 */
function plainest(path: string): string {
  const target = path.replace(/[?#].*$/s, '')
  const slashed = target.replace(/%[2-7][0-9a-f]/gi, unescapePlain).replaceAll('\\', '/')
  const segments: string[] = []
  for (const segment of slashed.split('/')) {
    const name = segment.split(';', 1)[0]
    if (name === '..') segments.pop()
    else if (segment !== '' && name !== '.') segments.push(segment)
  }
  const isFolder = /\/(?:\.{1,2}(?:;[^/]*)?)?$/.test(slashed)
  return `/${segments.join('/')}${isFolder && segments.length > 0 ? '/' : ''}`
}

/** Letters, digits, `-._~` mean the same with or without the escape; slashes are the dangerous ones. */
function unescapePlain(escape: string): string {
  const letter = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
  return /[\w.~\-/\\]/.test(letter) ? letter : escape
}
