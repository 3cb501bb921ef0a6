/**
 * What a user agent sends for a URL, as far as a route is chosen by it.
 *
 * Taken apart as it is written: a URL parser would resolve the very dot segments that a test is about.
 *
 * @module
 */

import { placeOf, withoutFinalDot } from '../values/host-name.ts'

export interface RequestTarget {
  /** As in the Host header. */
  readonly authority: string
  /** Canonical: lower case, no port, no brackets. */
  readonly host: string
  /** With query. */
  readonly path: string
}

/** Undefined for what is no http or https URL with a host. */
export function requestTargetOf(url: string): RequestTarget | undefined {
  const [whole, scheme = '', written = '', rest = ''] = /^(https?):\/\/([^/?#@]+)([^#]*)/i.exec(url) ?? []
  if (whole === undefined) return undefined
  const authority = written.replace(scheme.toLowerCase() === 'http' ? /:80$/ : /:443$/, '')
  const place = placeOf(withoutFinalDot(authority))
  if (place === undefined) return undefined
  return { authority, host: place.host, path: rest.startsWith('/') ? rest : `/${rest}` }
}
