/**
 * The public origin of a route: the URL of `from`.
 *
 * @module
 */

import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { z } from 'zod'
import { shownText } from '../../shown-url.ts'
import { rowOf } from '../table-row.ts'
import { isHostName, parseAuthority } from './host-name.ts'

export interface Origin {
  readonly scheme: 'https' | 'http'
  /** Lower case, in ASCII form, IPv6 without brackets; holds `*` when `wildcard` is true. */
  readonly host: string
  /** Undefined when the URL names none, even for the scheme's own port: the two match differently. */
  readonly port: number | undefined
  readonly wildcard: boolean
}

const LATER: Readonly<Record<string, string>> = {
  'tcp+https': 'TCP routes (tcp+https://)',
  'udp+https': 'UDP routes (udp+https://)',
  ssh: 'SSH routes (ssh://)',
}

function isWildcardHost(host: string): boolean {
  return host.includes('*') && isHostName(host.replaceAll('*', 'x'))
}

export function parseOrigin(text: string): Origin | { readonly wrong: string } {
  const parts = /^([a-z0-9+.-]+):\/\/(?:[^/?#@]*@)?(\[[^\]/?#]*\]|[^/?#:@]*)(?::([^/?#]*))?([/?#].*)?$/i.exec(
    text,
  )
  if (parts === null) {
    const meant = parseAuthority(text) === undefined ? 'app.example.com' : text
    return { wrong: `"${shownText(text)}" is not a URL; write "https://${meant}"` }
  }
  const scheme = (parts[1] ?? '').toLowerCase()
  const later = rowOf(LATER, scheme)
  if (later !== undefined) return { wrong: `${later} are not supported yet; use https:// for an HTTP app` }
  if (scheme !== 'https' && scheme !== 'http') return { wrong: `the scheme must be https, not "${scheme}"` }
  if (text.includes('@')) return { wrong: 'a user name in `from` has no meaning' }
  const rest = parts[4] ?? ''
  if (rest.startsWith('?') || rest.startsWith('#') || /[?#]/.test(rest)) {
    return { wrong: 'a query or a fragment in `from` has no meaning' }
  }
  if (rest !== '' && rest !== '/') {
    return { wrong: `\`from\` may not have a path; put "${rest}" into \`prefix\` or \`path\`` }
  }
  const rawHost = parts[2] ?? ''
  const isBracketed = rawHost.startsWith('[')
  const ascii = isBracketed ? rawHost.slice(1, -1) : toAscii(rawHost)
  const host = ascii.toLowerCase().replace(/\.$/, '')
  const wildcard = isWildcardHost(host)
  if (isBracketed ? isIP(host) !== 6 : isIP(host) !== 4 && !isHostName(host) && !wildcard) {
    return { wrong: rawHost === '' ? 'names no host' : `"${rawHost}" is not a host name` }
  }
  const port = parts[3] === undefined ? undefined : Number(parts[3])
  if (port !== undefined && (!/^\d{1,5}$/.test(parts[3] ?? '') || port < 1 || port > 65_535)) {
    return { wrong: `port "${parts[3]}" is not between 1 and 65535` }
  }
  return { scheme, host, port, wildcard }
}

/** ASCII names are kept as they are: `domainToASCII` refuses `*` and underscores. */
function toAscii(host: string): string {
  // oxlint-disable-next-line no-control-regex -- the range is what "ASCII" means
  return /^[\x00-\x7f]*$/.test(host) ? host : domainToASCII(host)
}

export const From = z.string().superRefine((text, context) => {
  const parsed = parseOrigin(text)
  if ('wrong' in parsed) context.addIssue({ code: 'custom', message: parsed.wrong })
})
