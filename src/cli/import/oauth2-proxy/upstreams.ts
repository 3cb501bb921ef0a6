/**
 * Where oauth2-proxy passes requests on to, and which of them without a sign-in.
 *
 * @module
 */
import { isKeyed } from '../../../config/file/yaml-file.ts'
import { compileRe2, unicodeRe2Problem } from '../../../config/values/regex.ts'
import { UNKNOWN_UPSTREAM } from '../draft.ts'
import type { GivenSettings } from './read.ts'

export interface ImportedUpstream {
  /** Keys of a route that choose paths, and its target. */
  readonly match: Readonly<Record<string, string>>
  /** The path with which all of its paths begin; unset: a pattern. */
  readonly prefix: string | undefined
  readonly target: Readonly<Record<string, unknown>>
  readonly notes: readonly string[]
}

const isOn = (given: GivenSettings, key: string, fallback: boolean): boolean =>
  (given.values.get(key)?.values[0] ?? String(fallback)) === 'true'

/** The longer path first, as oauth2-proxy has it. */
export function upstreamsOf(given: GivenSettings): readonly ImportedUpstream[] {
  const structured = isKeyed(given.alpha?.['upstreamConfig'])
    ? given.alpha['upstreamConfig']['upstreams']
    : undefined
  const read = Array.isArray(structured)
    ? structured.flatMap((entry: unknown, index) =>
        isKeyed(entry) ? (structuredUpstream(entry, index, given) ?? []) : [],
      )
    : (given.values.get('upstreams')?.values ?? []).flatMap((text) => writtenUpstream(text, given) ?? [])
  if (read.length === 0) {
    const note = given.remarks.add(
      'upstreams',
      'names no app, as for a proxy that asks oauth2-proxy only: write its address under `to`',
    )
    return [{ match: {}, prefix: '/', target: { to: UNKNOWN_UPSTREAM, ...commonKeys(given) }, notes: [note] }]
  }
  return read.toSorted((one, other) => (other.prefix?.length ?? 1000) - (one.prefix?.length ?? 1000))
}

function commonKeys(given: GivenSettings): Readonly<Record<string, unknown>> {
  const [timeout] = given.values.get('upstream_timeout')?.values ?? []
  return {
    allow_websockets: isOn(given, 'proxy_websockets', true),
    preserve_host_header: isOn(given, 'pass_host_header', true),
    ...(isOn(given, 'ssl_upstream_insecure_skip_verify', false) ? { tls_skip_verify: true } : {}),
    ...(timeout === undefined ? {} : { timeout }),
  }
}

/** A path that ends in a slash stands for all below it, any other for itself. */
const matchOf = (path: string): Pick<ImportedUpstream, 'match' | 'prefix'> =>
  path === '/' || path === ''
    ? { match: {}, prefix: '/' }
    : path.endsWith('/')
      ? { match: { prefix: path }, prefix: path }
      : { match: { path }, prefix: path }

function writtenUpstream(text: string, given: GivenSettings): ImportedUpstream | undefined {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:', 'unix:', 'static:', 'file:'].includes(url.protocol)) {
    given.remarks.add('upstreams', `"${text}" is no address that is understood: it gets no route`)
    return undefined
  }
  if (url.protocol === 'static:') {
    const isOnly = given.values.get('upstreams')?.values.length === 1
    if (isOnly) return undefined
    return {
      ...matchOf(url.pathname),
      target: { response: { status: Number(url.hostname) || 200 } },
      notes: [],
    }
  }
  if (url.protocol === 'file:') {
    given.remarks.add('upstreams', `"${text}" is a folder: files are not served here, so it gets no route`)
    return undefined
  }
  if (url.protocol === 'unix:')
    return { match: {}, prefix: '/', target: { to: text, ...commonKeys(given) }, notes: [] }
  // The path of the address chooses requests, and is kept when they are passed on.
  return { ...matchOf(url.pathname), target: { to: url.origin, ...commonKeys(given) }, notes: [] }
}

function structuredUpstream(
  entry: Readonly<Record<string, unknown>>,
  index: number,
  given: GivenSettings,
): ImportedUpstream | undefined {
  const key = `upstreamConfig.upstreams[${index}]`
  const path = typeof entry['path'] === 'string' ? entry['path'] : '/'
  const notes: string[] = []
  const isPattern = path.startsWith('^')
  const chosen: Pick<ImportedUpstream, 'match' | 'prefix'> = isPattern
    ? { match: { regex: `(?:${path})(?s:.*)` }, prefix: undefined }
    : matchOf(path)
  if (entry['static'] === true)
    return { ...chosen, target: { response: { status: Number(entry['staticCode'] ?? 200) } }, notes }
  const uri = typeof entry['uri'] === 'string' ? entry['uri'] : ''
  const url = URL.parse(uri)
  if (url === null || !['http:', 'https:', 'unix:'].includes(url.protocol)) {
    given.remarks.add(key, `"${uri}" is no app that can be reached: it gets no route`)
    return undefined
  }
  const rewrite = entry['rewriteTarget']
  const rewriteKeys =
    typeof rewrite === 'string' && isPattern
      ? {
          regex_rewrite_pattern: path,
          regex_rewrite_substitution: rewrite.replaceAll(/\$\{?(\d)\}?/g, '\\$1'),
        }
      : {}
  if (typeof rewrite === 'string' && !isPattern)
    notes.push(given.remarks.add(key, 'has a rewriteTarget without a pattern: write prefix_rewrite'))
  return {
    ...chosen,
    target: {
      to: url.protocol === 'unix:' ? uri : url.origin,
      allow_websockets: entry['proxyWebSockets'] !== false,
      preserve_host_header: entry['passHostHeader'] !== false,
      ...(entry['insecureSkipTLSVerify'] === true ? { tls_skip_verify: true } : {}),
      ...(typeof entry['timeout'] === 'string' ? { timeout: entry['timeout'] } : {}),
      ...rewriteKeys,
    },
    notes,
  }
}

/** Paths that are open to everybody. */
export interface OpenPath {
  readonly regex: string
  readonly method: string | undefined
  readonly upstream: ImportedUpstream
  readonly notes: readonly string[]
}

/** Of several apps, the one that all paths of the pattern are of; else the paths stay closed. */
export function openPathsOf(
  given: GivenSettings,
  upstreams: readonly ImportedUpstream[],
): readonly OpenPath[] {
  return ['skip_auth_routes', 'skip_auth_regex'].flatMap((key) =>
    (given.values.get(key)?.values ?? []).flatMap((text): readonly OpenPath[] => {
      const stay = (why: string) => {
        given.remarks.add(key, `"${text}" ${why}: those paths ask for a sign-in here`)
        return []
      }
      const [, method, operator, rest = ''] = /^(?:([A-Za-z]+)?(!?=))?(.*)$/s.exec(text) ?? []
      const isWhole = key === 'skip_auth_regex' || operator === undefined
      const pattern = isWhole ? text : rest
      if (!isWhole && operator === '!=') return stay('opens all but some paths')
      if (pattern === '' || unicodeRe2Problem(pattern) !== undefined || 'wrong' in compileRe2(pattern))
        return stay('is no pattern that can be read')
      const upstream = appOf(pattern, upstreams)
      if (upstream === undefined || 'response' in upstream.target) return stay('may be of several apps')
      const isOpen = OPENS_ALL.has(pattern)
      const notes = isOpen
        ? [given.remarks.add(key, `"${text}" opens everything, as it did before: is that meant?`)]
        : []
      return [
        {
          regex: `(?s:.*)(?:${pattern})(?s:.*)`,
          method: isWhole ? undefined : method?.toUpperCase(),
          upstream,
          notes,
        },
      ]
    }),
  )
}

const OPENS_ALL: ReadonlySet<string> = new Set(['.*', '^.*', '^.*$', '/', '^/', '^/.*', '^/.*$', '.', '.+'])

/** The only app, if all paths are its own; or the one with the longest path that the pattern begins with. */
function appOf(pattern: string, upstreams: readonly ImportedUpstream[]): ImportedUpstream | undefined {
  const [only, another] = upstreams
  if (another === undefined && only?.prefix === '/') return only
  if (!pattern.startsWith('^') || pattern.includes('|')) return undefined
  const [, literal = '', next = ''] = /^\^([\w/-]*)(.?)/s.exec(pattern) ?? []
  const start = '?*{'.includes(next) && next !== '' ? literal.slice(0, -1) : literal
  if (upstreams.some(({ prefix }) => prefix === undefined)) return undefined
  const found = upstreams.find(({ prefix = '' }) => prefix.endsWith('/') && start.startsWith(prefix))
  const isClear = upstreams.every(
    (other) =>
      other === found ||
      (other.prefix ?? '').length < (found?.prefix ?? '').length ||
      !(other.prefix ?? '').startsWith(start),
  )
  return isClear ? found : undefined
}
