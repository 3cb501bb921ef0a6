/**
 * The path of a request in the form in which Envoy matches it, hands it to the check and sends it on. What
 * the check then refuses is in `path-guard.ts`.
 *
 * It follows the settings of the connection manager (`http-connection-manager.ts` of xds/) step by step; a
 * differential test asks a real Envoy.
 *
 * @see Envoy `HttpConnectionManager.normalize_path`, `merge_slashes`, `path_with_escaped_slashes_action`
 * @module
 */

import type { Settings } from '../config.ts'

type PathSettings = Pick<Settings, 'normalize_path' | 'merge_slashes' | 'path_with_escaped_slashes_action'>

export type NormalPath =
  /** Without query. */
  | { readonly path: string }
  /** Not let in at all, and why. */
  | { readonly refused: string }
  /** Sent back to be asked for in this form. */
  | { readonly redirectedTo: string }

/** @param target path and query, as the user agent sent them */
export function normalPathOf(target: string, settings: PathSettings): NormalPath {
  if (!target.startsWith('/')) return { refused: 'the path does not begin with a slash' }
  if (target.includes('#')) return { refused: 'the path holds a fragment' }
  if (!/^[\x21-\x7e]*$/.test(target)) return { refused: 'the path holds characters that must be escaped' }
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  const rest = query < 0 ? '' : target.slice(query)
  const action = settings.path_with_escaped_slashes_action
  // Rejected by the check, which knows the routes that take them.
  const isKept = action === 'KEEP_UNCHANGED' || action === 'REJECT_REQUEST'
  const unescaped = isKept ? path : unescapeSlashes(path)
  const canonical = settings.normalize_path ? canonicalPath(unescaped) : unescaped
  const merged = settings.merge_slashes ? mergeSlashes(canonical) : canonical
  if (settings.normalize_path && merged.includes('%00')) return { refused: 'the path holds an escaped NUL' }
  if (unescaped !== path && action === 'UNESCAPE_AND_REDIRECT') return { redirectedTo: merged + rest }
  return { path: merged }
}

function unescapeSlashes(path: string): string {
  return path.replaceAll(/%2f/gi, '/').replaceAll(/%5c/gi, '\\')
}

/** A path of nothing but slashes keeps two of them. */
function mergeSlashes(path: string): string {
  return /^\/{2,}$/.test(path) ? '//' : path.replaceAll(/\/{2,}/g, '/')
}

/**
 * RFC 3986 §5.2.4 and §6.2.2.2, with backslashes read as slashes, and a parameter after plain dots dropped
 * with them.
 */
function canonicalPath(path: string): string {
  const kept: string[] = []
  const segments = path.replaceAll('\\', '/').slice(1).split('/')
  for (const [index, segment] of segments.entries()) {
    const dots = /^(\.{1,2});/.exec(segment)?.[1] ?? segment.replaceAll(/%2e/gi, '.')
    if (dots === '..') kept.pop()
    if (dots !== '.' && dots !== '..') kept.push(segment)
    else if (index === segments.length - 1) kept.push('')
  }
  return `/${kept.join('/')}`
    .replaceAll(/%([2-7][0-9a-f])/gi, (escape, code: string) => {
      const letter = String.fromCharCode(Number.parseInt(code, 16))
      return /[\w.~-]/.test(letter) ? letter : escape
    })
    .replaceAll(/["<>^`{|}]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
}
