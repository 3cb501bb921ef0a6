/**
 * The `Cookie` header of a request: which of its cookies are ours, and what is left for the upstream.
 *
 * Headers are handled one character per byte, so that what is left stays as it was, byte by byte.
 *
 * @module
 */
import { FLOW_COOKIE } from '../crypto/flow.ts'

export interface SplitCookies {
  /** Values of the session cookie in the order of the header; a browser may hold several of one name. */
  readonly sessions: readonly string[]
  /** The one value of the flow cookie; two are a forgery and count as none. */
  readonly flow: string | undefined
  /** The header for the upstream: `undefined` when nothing is left of it. */
  readonly rest: string | undefined
  /** Whether `rest` differs from what came. */
  readonly isChanged: boolean
}

const NONE: SplitCookies = { sessions: [], flow: undefined, rest: undefined, isChanged: false }

/** Every cookie that Sallyport sets on its own account begins so; the session cookie has a configured name. */
const OUR_PREFIX = '__Host-sallyport_'

/**
 * A separate function per cookie name, made once per configuration.
 *
 * Besides `;` a comma separates too when one of our names follows: a proxy may have joined two header
 * lines by it, and a session cookie must not reach the upstream in that dress.
 */
export function cookieSplitter(sessionCookie: string): (header: string | undefined) => SplitCookies {
  const ours = new RegExp(
    `(^|[;,])[ \\t]*(${escapeRegExp(sessionCookie)}|${OUR_PREFIX}\\w*)[ \\t]*=([^;,]*)`,
    'g',
  )
  return (header) => {
    if (header === undefined) return NONE
    if (!header.includes(sessionCookie) && !header.includes(OUR_PREFIX)) return { ...NONE, rest: header }
    const sessions = new Set<string>()
    const flows: string[] = []
    const rest = header.replaceAll(ours, (_, separator: string, name: string, value: string) => {
      if (name === sessionCookie) sessions.add(unquote(value.trim()))
      // A neighbour on the same domain can put it behind a comma in a cookie of its own.
      else if (name === FLOW_COOKIE && separator !== ',') flows.push(value.trim())
      return ''
    })
    const isChanged = rest !== header
    return {
      sessions: [...sessions],
      flow: flows.length === 1 ? flows[0] : undefined,
      rest: isChanged ? withoutLooseEnds(rest) : header,
      isChanged,
    }
  }
}

/** The separator that stood after a cookie which was taken from the front. */
function withoutLooseEnds(rest: string): string | undefined {
  const trimmed = rest.replace(/^[;,\s]+/, '')
  return trimmed === '' ? undefined : trimmed
}

function unquote(value: string): string {
  return /^"(.*)"$/.exec(value)?.[1] ?? value
}

const escapeRegExp = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|\-/]/g, '\\$&')
