/**
 * Criteria about the request itself; none of them asks who sent it.
 *
 * @module
 */
import type { RequestFacts, Subject } from '../decision.ts'
import { addressOf, isInside, rangeOf } from '../matching/ip-ranges.ts'
import { textMatcher } from '../matching/matchers.ts'
import { pathMatcher } from '../matching/path-matcher.ts'
import { type Criterion, hit, miss, type Outcome, unknown } from '../outcome.ts'
import { isMapping, type Path } from '../problem.ts'
import { type CompileData, type Kinds, NO_DATA, withoutData } from './kind.ts'

const METHOD_OK = hit('http-method-ok')
const METHOD_MISS = miss('http-method-unauthorized')
const METHOD_UNKNOWN = unknown('http-method-unknown')
const PATH = {
  hit: hit('http-path-ok'),
  miss: miss('http-path-unauthorized'),
  unknown: unknown('http-path-unknown'),
} as const
const IP_OK = hit('source-ip-ok')
const IP_MISS = miss('source-ip-unauthorized')
const IP_UNKNOWN = unknown('source-ip-unknown')
const PREFLIGHT = hit('cors-request')
const NO_PREFLIGHT = miss('non-cors-request')
const NO_PAGE_OF_OURS = miss('non-pomerium-route')

/** RFC 9110 §9.3 and RFC 5789: all upper-case, and methods are compared as they are. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']

/** Some programs make `DELETE` of `delete`, others take it for a method of its own. */
const METHOD = /^[A-Z][A-Z0-9_-]*$/

/** Matcher keys that compare with the whole value; the empty key stands for a bare scalar. */
const WHOLE = new Set(['', 'is', 'in', 'not', 'not_in'])

const PREFLIGHT_HEADERS = ['origin', 'access-control-request-method'] as const

export const REQUEST_CRITERIA: Kinds = {
  http_method: {
    holds:
      'the method fits; methods are upper-case, and one that is not is unknown, since some programs read `delete` as DELETE',
    data: 'text matcher',
    example: { in: ['GET', 'HEAD'] },
    reasons: ['http-method-ok', 'http-method-unauthorized', 'http-method-unknown'],
    reads: ['method'],
    compile: httpMethod,
  },
  http_path: {
    holds:
      'the path fits, without its query. It is unknown for a path that programs could read in two ways, one fitting and one not. It is unknown too where only a slash at the end is missing or too much',
    data: 'text matcher',
    example: { starts_with: '/docs/' },
    reasons: ['http-path-ok', 'http-path-unauthorized', 'http-path-unknown'],
    reads: ['path'],
    compile: httpPath,
  },
  source_ip: {
    holds: 'the address of the client is in one of them',
    data: 'an IP address, a range, or a list of them',
    example: ['10.0.0.0/8', '2001:db8::/32'],
    reasons: ['source-ip-ok', 'source-ip-unauthorized', 'source-ip-unknown'],
    reads: ['source_ip'],
    compile: sourceIp,
  },
  cors_preflight: {
    holds: 'it is an OPTIONS request with `Origin` and `Access-Control-Request-Method`',
    ...NO_DATA,
    reasons: ['cors-request', 'non-cors-request'],
    reads: ['method', 'headers'],
    needsHeaders: PREFLIGHT_HEADERS,
    compile: withoutData(corsPreflight),
  },
  pomerium_routes: {
    holds:
      'the page is one of the proxy itself (`/.pomerium/…`); those are decided before any policy, so on a route it never holds',
    ...NO_DATA,
    reasons: ['non-pomerium-route'],
    compile: withoutData(() => NO_PAGE_OF_OURS),
  },
}

function httpMethod(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  forEachText(data, at, (key, text, where) => {
    const upper = text.toUpperCase()
    if (WHOLE.has(key) && text !== upper && METHODS.includes(upper)) {
      report(where, `methods are compared as written and this one is upper-case: ${upper}`)
    }
  })
  const matches = textMatcher(data, at, report)
  return (
    matches &&
    ((_, { method }) => {
      if (!METHOD.test(method)) return METHOD_UNKNOWN
      return matches(method) ? METHOD_OK : METHOD_MISS
    })
  )
}

function httpPath(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  forEachText(data, at, (key, text, where) => {
    if (/[?#]/.test(text)) report(where, 'can never match: the path is compared without query and fragment')
    else if (requestedAs(text) !== text)
      report(where, `must be written as it is requested: "${requestedAs(text)}"`)
    else if ((WHOLE.has(key) || key === 'starts_with') && !/^[/*]/.test(text)) {
      report(where, `must begin with a slash as every path does: "/${text}"`)
    }
  })
  if (textMatcher(data, at, report) === undefined) return undefined
  const truthOf = pathMatcher(data)
  return (_, { path, isPathAsWritten }) => PATH[truthOf(path, isPathAsWritten === true)]
}

/** Clients escape these characters before they send a path, and no others that have no need of it. */
function requestedAs(text: string): string {
  const escaped = text.toWellFormed().replaceAll(/[^!-~]|["<>^`{|}]/gu, encodeURIComponent)
  return escaped.replaceAll(/%[2-7][0-9a-f]/gi, (escape) => {
    const letter = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
    return /[\w.~-]/.test(letter) ? letter : escape
  })
}

function sourceIp(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const wanted: readonly unknown[] = Array.isArray(data) ? data : [data]
  const ranges = wanted.map((text, index) => {
    const range = typeof text === 'string' ? rangeOf(text) : undefined
    if (range === undefined) {
      report(Array.isArray(data) ? [...at, index] : at, 'must be an IP address or a range like 10.0.0.0/8')
    }
    return range
  })
  const known = ranges.filter((range) => range !== undefined)
  if (known.length < ranges.length) return undefined
  return (_, request) => {
    const address = addressOf(request.sourceIp)
    if (address === undefined) return IP_UNKNOWN
    return known.some((range) => isInside(address, range)) ? IP_OK : IP_MISS
  }
}

/**
 * Headers are gathered when somebody looks at them, which for most requests nobody need do.
 *
 * @see Fetch standard, "CORS-preflight request"
 */
function corsPreflight(_: Subject, request: RequestFacts): Outcome {
  if (request.method !== 'OPTIONS') return NO_PREFLIGHT
  return PREFLIGHT_HEADERS.every((name) => request.headers[name]) ? PREFLIGHT : NO_PREFLIGHT
}

/** Every text of a matcher with its key and place, for checks of what the texts mean. */
function forEachText(
  data: unknown,
  at: Path,
  check: (key: string, text: string, where: Path) => void,
  key = '',
): void {
  if (typeof data === 'string') check(key, data, at)
  else if (Array.isArray(data))
    data.forEach((item: unknown, index) => forEachText(item, [...at, index], check, key))
  else if (isMapping(data)) {
    for (const [name, value] of Object.entries(data)) forEachText(value, [...at, name], check, name)
  }
}
