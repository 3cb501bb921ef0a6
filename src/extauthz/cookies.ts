/**
 * Sallyport's own cookies in a request: read for the check, taken out for the upstream.
 *
 * @module
 */
import { FLOW_COOKIE } from '../edge/flow.ts'
import { hostOnlyName } from '../edge/session-cookie.ts'
import { hasReferenceForm } from '../edge/session-reference.ts'
import { cookiePair, cookiePairs } from '../transport/cookie-header.ts'

export interface SplitCookies {
  /**
   * Values of the session cookie in the order of the header, by its name; a client may send several of one
   * name.
   */
  readonly sessions: ReadonlyMap<string, readonly string[]>
  /** The one value of the flow cookie; two are a forgery and count as none. */
  readonly flow: string | undefined
  /** The header for the upstream: `undefined` when nothing is left of it. */
  readonly rest: string | undefined
  /** Whether `rest` differs from what came. */
  readonly isChanged: boolean
}

const NONE: SplitCookies = { sessions: new Map(), flow: undefined, rest: undefined, isChanged: false }

/**
 * Every cookie that Sallyport sets on its own account begins so; the session cookie has a configured name.
 */
const OUR_PREFIX = '__host-sallyport_'
/** How every session reference begins. */
const HANDLE_START = 'v1.'

/**
 * A separate function per cookie name, made once per configuration.
 *
 * What is ours is taken out however it is dressed: in another case, behind a comma (a proxy may have joined
 * two header lines by it), without a name of its own, under a name that the cookie had before. Only what a
 * browser calls by the name is read.
 */
export function cookieSplitter(sessionCookie: string): (header: string | undefined) => SplitCookies {
  const names = [sessionCookie, hostOnlyName(sessionCookie)]
  const lowerNames = new Set(names.map((name) => name.toLowerCase()))
  const signs = [sessionCookie.toLowerCase(), OUR_PREFIX, HANDLE_START]

  function isOurs(part: string): boolean {
    // A cookie without a name comes back as its value, which may look like a pair.
    const bare = withoutStart(part)
    if (bare === '') return false
    const pair = cookiePair(bare)
    if (pair === undefined) return hasReferenceForm(bare.trim())
    const name = pair.name.toLowerCase()
    return lowerNames.has(name) || name.startsWith(OUR_PREFIX) || hasReferenceForm(pair.value)
  }

  return (header) => {
    if (header === undefined) return NONE
    const lower = header.toLowerCase()
    if (!signs.some((sign) => lower.includes(sign))) return { ...NONE, rest: header }
    const pairs = cookiePairs(header)
    const sessions = new Map(names.map((name) => [name, new Set<string>()]))
    for (const { name, value } of pairs) sessions.get(name)?.add(value)
    const flows = pairs.filter(({ name }) => name === FLOW_COOKIE)
    const rest = partsOf(header)
      .filter((part) => !isOurs(part))
      .join('')
    const isChanged = rest !== header
    return {
      sessions: new Map([...sessions].map(([name, values]) => [name, [...values]])),
      flow: flows.length === 1 ? flows[0]?.value : undefined,
      rest: isChanged ? withoutLooseEnds(rest) : header,
      isChanged,
    }
  }
}

/**
 * Each with the separator before it. By characters: with a regular expression a header of commas costs ten
 * times as much.
 */
function partsOf(header: string): readonly string[] {
  const parts: string[] = []
  let from = 0
  for (let at = 1; at < header.length; at += 1) {
    if (header[at] !== ';' && header[at] !== ',') continue
    parts.push(header.slice(from, at))
    from = at
  }
  parts.push(header.slice(from))
  return parts
}

const BEFORE_A_NAME = ';, \t='

function withoutStart(part: string): string {
  let from = 0
  while (from < part.length && BEFORE_A_NAME.includes(part.charAt(from))) from += 1
  return part.slice(from)
}

/** The separator that stood after a cookie which was taken from the front. */
function withoutLooseEnds(rest: string): string | undefined {
  const trimmed = rest.replace(/^[;,\s]+/, '')
  return trimmed === '' ? undefined : trimmed
}
