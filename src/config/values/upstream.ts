/**
 * Where a route sends requests: the URLs of `to`.
 *
 * @module
 */

import { isIP } from 'node:net'
import { z } from 'zod'
import { shownText } from '../../shown-url.ts'
import { rowOf } from '../table-row.ts'
import { isHostName, parseAuthority } from './host-name.ts'
import { isPlainTarget } from './plain-target.ts'

export interface Upstream {
  readonly scheme: 'http' | 'https' | 'h2c' | 'unix' | 'https+unix'
  /** IP address without brackets, or lower-case name. Empty for Unix sockets. */
  readonly host: string
  /** 0 for Unix sockets. */
  readonly port: number
  /** Path part of the URL, `''` when there is none (a lone `/` counts as none); for Unix sockets `''`. */
  readonly path: string
  readonly socketPath?: string
  readonly weight?: number
  /** As written, without the weight. */
  readonly url: string
}

const DEFAULT_PORT = { http: 80, https: 443, h2c: 80 } as const
const LATER: Readonly<Record<string, string>> = {
  tcp: 'TCP routes are',
  udp: 'UDP routes are',
  ssh: 'SSH routes are',
}
/** Envoy's load balancing weights are uint32, and so is their sum within one locality. */
const HEAVIEST = 4_294_967_295

type Parsed<T> = { readonly value: T } | { readonly wrong: string }

function splitWeight(text: string): Parsed<{ url: string; weight: number | undefined }> {
  const comma = text.lastIndexOf(',')
  if (comma < 0) return { value: { url: text, weight: undefined } }
  const weight = text.slice(comma + 1).trim()
  if (!/^\d{1,10}$/.test(weight) || Number(weight) < 1 || Number(weight) > HEAVIEST) {
    return { wrong: `the weight "${weight}" is not a whole number from 1 up` }
  }
  return { value: { url: text.slice(0, comma).trim(), weight: Number(weight) } }
}

/** One entry of `to`, with its weight if it has one. */
export function parseUpstream(text: string): Parsed<Upstream> {
  const split = splitWeight(text)
  if ('wrong' in split) return split
  const { url, weight } = split.value
  const weighted = weight === undefined ? {} : { weight }
  const scheme = /^([a-z0-9+.-]+):\/\//i.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    const meant = parseAuthority(url) === undefined ? 'host:port' : url
    return { wrong: `"${shownText(url)}" is not a URL; write "http://${meant}"` }
  }
  const later = rowOf(LATER, scheme)
  if (later !== undefined)
    return { wrong: `${later} not supported yet; upstreams are http, https, h2c or unix` }
  if (scheme === 'unix' || scheme === 'https+unix') {
    const socketPath = url.slice(scheme.length + 3)
    // sun_path of Linux holds 108 bytes with its final NUL; Envoy refuses more.
    if (!socketPath.startsWith('/'))
      return { wrong: `a Unix socket needs an absolute path: "${scheme}:///run/app.sock"` }
    if (Buffer.byteLength(socketPath) > 107)
      return { wrong: 'the path of a Unix socket may have at most 107 bytes' }
    if (socketPath.includes('\0')) return { wrong: 'a path cannot hold a NUL character' }
    return { value: { scheme, host: '', port: 0, path: '', socketPath, url, ...weighted } }
  }
  if (scheme !== 'http' && scheme !== 'https' && scheme !== 'h2c') {
    return { wrong: `the scheme "${scheme}" is not one of http, https, h2c, unix, https+unix` }
  }
  return parseHttpUpstream(scheme, url, weighted)
}

function parseHttpUpstream(
  scheme: 'http' | 'https' | 'h2c',
  url: string,
  weighted: { readonly weight?: number },
): Parsed<Upstream> {
  // A scheme that URL knows makes it check host and port; h2c is none.
  const rest = url.slice(url.indexOf('://') + 3)
  const parsed = URL.parse(`${scheme === 'https' ? 'https' : 'http'}://${rest}`)
  const written = /^[^/?#]*:(\d+)(?:[/?#]|$)/.exec(rest)?.[1]
  if (parsed === null && written !== undefined && Number(written) > 65_535)
    return { wrong: `port ${written} is not between 1 and 65535` }
  if (parsed === null || rest === '' || rest.startsWith('/'))
    return { wrong: `"${shownText(url)}" is not a URL; write "http://host:port"` }
  if (parsed.username !== '' || parsed.password !== '') {
    return { wrong: 'a user name or password in the URL is not sent; use set_request_headers' }
  }
  if (parsed.search !== '' || parsed.hash !== '')
    return { wrong: `"${shownText(url)}" may not have a query or a fragment` }
  if (!isPlainTarget(parsed.pathname))
    return { wrong: `the path "${parsed.pathname}" may not hold an empty segment or an escaped slash` }
  const name = parsed.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  if (isIP(name) === 0 && !isHostName(name)) return { wrong: `"${name}" is not a host name` }
  const port = parsed.port === '' ? DEFAULT_PORT[scheme] : Number(parsed.port)
  if (port === 0) return { wrong: 'port 0 cannot be reached' }
  return {
    value: {
      scheme,
      // Envoy would ask DNS for "localhost" and may get ::1 where nothing listens.
      host: name === 'localhost' ? '127.0.0.1' : name,
      port: scheme === 'https' && parsed.port === '' ? 443 : port,
      path: parsed.pathname === '/' ? '' : parsed.pathname,
      url,
      ...weighted,
    },
  }
}

/** What is wrong with several upstreams as a set, though each alone is right. */
function setProblem(upstreams: readonly Upstream[]): string | undefined {
  const first = upstreams[0]
  if (first === undefined) return 'must name at least one upstream'
  const weighted = upstreams.filter((upstream) => upstream.weight !== undefined)
  if (weighted.length !== 0 && weighted.length !== upstreams.length) {
    return 'either every upstream has a weight or none has'
  }
  if (weighted.reduce((sum, upstream) => sum + (upstream.weight ?? 0), 0) > HEAVIEST) {
    return `the weights add up to more than ${HEAVIEST}`
  }
  const other = upstreams.find((upstream) => upstream.scheme !== first.scheme)
  if (other !== undefined) {
    return `all upstreams of one route must have one scheme; here are ${first.scheme} and ${other.scheme}`
  }
  const strayed = upstreams.find((upstream) => upstream.path !== first.path)
  if (strayed !== undefined) {
    return `all upstreams of one route must have one path; here are "${first.path || '/'}" and "${strayed.path || '/'}"`
  }
  return undefined
}

export const Upstreams = z
  .union([z.string(), z.array(z.string()).min(1)], { error: 'must be a URL or a list of URLs' })
  .transform((value, context): readonly Upstream[] => {
    const upstreams: Upstream[] = []
    const texts = typeof value === 'string' ? [value] : value
    let isWhole = true
    for (const [index, text] of texts.entries()) {
      const parsed = parseUpstream(text)
      if ('value' in parsed) upstreams.push(parsed.value)
      else {
        isWhole = false
        context.addIssue({
          code: 'custom',
          message: parsed.wrong,
          path: typeof value === 'string' ? [] : [index],
        })
      }
    }
    const together = isWhole ? setProblem(upstreams) : undefined
    if (together !== undefined) context.addIssue({ code: 'custom', message: together })
    return isWhole && together === undefined ? upstreams : z.NEVER
  })
