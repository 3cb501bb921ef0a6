/**
 * Headers as they are put on requests and answers.
 *
 * @module
 */
import type { Buffer } from 'node:buffer'
import type { AccessRoute } from '../access/route.ts'

export type HeaderEntry = readonly [name: string, value: string | Buffer]

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const NOT_IN_A_HEADER = /[\x00-\x08\x0a-\x1f\x7f]+/g

/** Text from outside as a header value: line breaks and other controls would be headers of their own. */
export function headerText(text: string): string {
  return text.replace(NOT_IN_A_HEADER, ' ').trim()
}

/** Bytes of header lines. */
export interface HeaderSize {
  readonly together: number
  readonly longest: number
}

/** `identity_headers_limit` of a route; `undefined` where nothing is said. */
export function headersLimitOf({
  route,
  settings,
}: Pick<AccessRoute, 'route' | 'settings'>): number | undefined {
  return route.identity_headers_limit ?? settings.identity_headers_limit
}

/** @param unset where the route says nothing */
export function limitOf(configured: number | undefined, unset: HeaderSize): HeaderSize {
  return configured === undefined ? unset : { together: configured, longest: configured }
}
