/**
 * Which paths are not passed on, though Envoy has let them in and chosen a route: those that an app may read
 * as another path than the one that was judged.
 *
 * The check asks for each request; `route-match.ts` asks for those that are only told of.
 *
 * @module
 */

import type { Route, Settings } from '../config.ts'
import { rewritten, TOO_DEAR } from './path-rewrite.ts'

/** The ways in which programs read a path; `path-readings.ts` of policy/. */
export interface PathReadings {
  readonly asWritten: readonly string[]
  readonly unescaped: readonly string[]
}

/** Handed in, since this room runs no other. */
export interface PathReader {
  /** Undefined for a path with too many readings. */
  readonly readingsOf: (path: string) => PathReadings | undefined
  readonly unescapePath: (path: string) => string | undefined
}

type GuardSettings = Pick<Settings, 'normalize_path' | 'path_with_escaped_slashes_action'>

export interface Guarded {
  readonly route: Route
  readonly settings: GuardSettings
  readonly reader: PathReader
  /** Whether some reading of the path would have chosen another route, or none. */
  readonly hasOtherRoute: (readings: PathReadings | undefined) => boolean
}

/** Why this path is not passed on, in words that follow a colon; undefined: it is. */
export function pathProblem(path: string, guarded: Guarded): string | undefined {
  const readings = guarded.reader.readingsOf(path)
  const isPlain = readings?.asWritten.length === 1 && readings.unescaped === readings.asWritten
  return (isPlain ? undefined : oddPathProblem(path, readings, guarded)) ?? rewriteProblem(path, guarded)
}

/** `%2500` is an escape of an escape; some undo both. `%u0000` is one to IIS. */
const ESCAPE = '%(?:25)*(?:u00)?'
const NUL_OR_BACKSLASH = new RegExp(`\\\\|${ESCAPE}00`, 'i')
const ESCAPED_SLASH = /%(?:u00)?2f/gi
const ESCAPED_BACKSLASH = /%(?:u00)?5c/gi

function oddPathProblem(
  path: string,
  readings: PathReadings | undefined,
  { route, settings, reader, hasOtherRoute }: Guarded,
): string | undefined {
  const judged = settings.normalize_path ? path : withoutPlainDots(path)
  // An escape may be made of parts, as `%2%65` is of a dot: no pattern knows them all.
  const unescaped = reader.unescapePath(judged) ?? ''
  if (NUL_OR_BACKSLASH.test(path) || unescaped.includes('%00'))
    return 'the path holds a backslash or an escaped NUL'
  if (settings.path_with_escaped_slashes_action === 'REJECT_REQUEST') {
    if (/%(?:u00)?5c/i.test(path)) return 'the path holds an escaped backslash'
    if (route.allow_escaped_slashes !== true && /%(?:u00)?2f/i.test(path))
      return 'the path holds an escaped slash'
  }
  if (countDots(judged) + countDots(unescaped) > 0) return 'the path hides a dot segment'
  if (route.paths_as_written === true) return undefined
  if ([path, unescaped].some((text) => HIDDEN_EMPTY_SEGMENT.test(text)))
    return 'the path hides an empty segment'
  return hasOtherRoute(readings) ? 'some programs read the path as one of another route' : undefined
}

/**
 * To servlet containers `;` begins a parameter, so the rest of `..;x` is `..`. Others trim white space, or
 * undo escapes before they look for dots. No honest client sends any of this.
 */
const BLANK = `${ESCAPE}(?:[01][0-9a-f]|20|7f)`
const HIDDEN_DOTS = new RegExp(
  String.raw`(?<=[/\\]|${ESCAPE}(?:2f|5c))(?:${BLANK})*(?:\.|${ESCAPE}2e){1,2}(?=[/;\\]|${ESCAPE}(?:2f|5c|3b|3f|23)|${BLANK}|$)`,
  'gi',
)

const countDots = (path: string): number => path.match(HIDDEN_DOTS)?.length ?? 0

/** Where nobody resolves them before a rule is asked, they are judged in both readings. */
const withoutPlainDots = (path: string): string => path.replaceAll(/\/(?:\.|%2e){1,2}(?=\/|$)/gi, '')

/** `/;x/admin` is `//admin` there. `/;jsessionid=1` alone is what such containers write themselves. */
const HIDDEN_EMPTY_SEGMENT = new RegExp(`/(?:;|${ESCAPE}3b)[^/]*/`, 'i')

/** A pattern takes time with the length of the path, and no server takes a longer one. */
const LONGEST_REWRITTEN = 8192

/**
 * What was judged must be what the upstream gets: a rewrite may not make segments that hide or lead
 * elsewhere.
 */
function rewriteProblem(path: string, { route, reader }: Guarded): string | undefined {
  if (route.regex_rewrite_pattern !== undefined && path.length > LONGEST_REWRITTEN)
    return 'the path is too long to be rewritten'
  const target = rewritten(route, path)
  if (target === TOO_DEAR) return 'the path is too much work to be rewritten'
  if (target === undefined || target === path) return undefined
  const made = target.replace(/\?.*$/s, '')
  if (!made.startsWith('/') || made.includes('#')) return 'it is not a path any more when it is rewritten'
  // Also one that came so: where Envoy resolves none, it would lead out of the folder that is put before it.
  const unescaped = reader.unescapePath(made)
  if (unescaped === undefined || countDots(made) + countDots(unescaped) > 0)
    return 'the path has a dot segment when it is rewritten'
  if (
    count(made, NUL_OR_BACKSLASH_EACH) > count(path, NUL_OR_BACKSLASH_EACH) ||
    hasMoreEscapedSlashes(made, path)
  )
    return 'the path has a disguised slash when it is rewritten'
  // Apps make redirects of such a path, and browsers take those for ones to another host.
  const isOtherHost = /^\/[/\\]/.test(made) && !/^\/[/\\]/.test(path)
  const hasMoreEmpty =
    route.paths_as_written !== true && count(made, EMPTY_SEGMENT) > count(path, EMPTY_SEGMENT)
  return isOtherHost || hasMoreEmpty ? 'the path has an empty segment when it is rewritten' : undefined
}

const NUL_OR_BACKSLASH_EACH = new RegExp(NUL_OR_BACKSLASH, 'gi')
/** Also one that only a parameter fills. */
const EMPTY_SEGMENT = new RegExp(`/(?=/|(?:;|${ESCAPE}3b)[^/]*/)`, 'gi')

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0

const hasMoreEscapedSlashes = (made: string, path: string): boolean =>
  count(made, ESCAPED_SLASH) + count(made, ESCAPED_BACKSLASH) >
  count(path, ESCAPED_SLASH) + count(path, ESCAPED_BACKSLASH)
