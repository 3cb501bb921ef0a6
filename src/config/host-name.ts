/**
 * Names of hosts as they may stand in a URL, a Host header or a certificate.
 *
 * @module
 */

import { isIP } from 'node:net'
import { z } from 'zod'

/** RFC 1123 labels, and the underscore that container networks use. `*` never is part of one. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i

export function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, '').split('.')
  return text.length <= 253 && labels.every((label) => LABEL.test(label))
}

/** A host name or IP address, lower case, no port. */
export const HostName = z
  .string()
  .refine((text) => isHostName(text) || isIP(text) !== 0, {
    error: (issue) => `"${String(issue.input)}" is not a host name`,
  })
  .transform((text) => text.toLowerCase())

/** Reads `host` or `host:port` (IPv6 in brackets); undefined when it is neither. */
export function parseAuthority(
  text: string,
): { readonly host: string; readonly port: number | undefined } | undefined {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/?#@\s]+))(?::(\d{1,5}))?$/i.exec(text)
  const host = (parts?.[1] ?? parts?.[2] ?? '').toLowerCase()
  if (host === '' || (parts?.[1] !== undefined ? isIP(host) !== 6 : !isHostName(host))) return undefined
  const port = parts?.[3] === undefined ? undefined : Number(parts[3])
  return port !== undefined && (port < 1 || port > 65_535) ? undefined : { host, port }
}

/** `host` or `host:port`, as in a Host header. */
export const Authority = z
  .string()
  .refine((text) => parseAuthority(text) !== undefined, {
    error: (issue) => `"${String(issue.input)}" is not a host name, with or without a port`,
  })
  .transform((text) => text.toLowerCase())
