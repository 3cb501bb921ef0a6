/**
 * Whether the other side is a person at a browser, who can follow a redirect and read a page.
 *
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http'

/**
 * Fetch metadata decides when there is any: only a navigation shows a page. Else `X-Requested-With`, then
 * `Accept`, where JSON or plain text before HTML means a program; no `Accept` means a person.
 *
 * @see https://www.w3.org/TR/fetch-metadata/
 */
export function prefersHtml(headers: IncomingHttpHeaders): boolean {
  const fetchMode = headers['sec-fetch-mode']
  if (typeof fetchMode === 'string') return fetchMode === 'navigate' || fetchMode === 'nested-navigate'
  if (String(headers['x-requested-with'] ?? '').toLowerCase() === 'xmlhttprequest') return false
  if (headers['content-type']?.startsWith('application/grpc') === true) return false
  const accept = headers.accept
  if (accept === undefined || accept.trim() === '') return true
  const html = Math.max(weightOf(accept, 'text/html'), weightOf(accept, 'application/xhtml+xml'))
  const program = Math.max(weightOf(accept, 'application/json'), weightOf(accept, 'text/plain'))
  if (html === 0 && program === 0) return weightOf(accept, '*/*') > 0 || weightOf(accept, 'text/*') > 0
  return html >= program
}

/** The q value that `Accept` gives to exactly this media range; 0 when it is not named. */
function weightOf(accept: string, range: string): number {
  for (const part of accept.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim())
    if (name !== range) continue
    const q = parameters.find((parameter) => parameter.startsWith('q='))
    const weight = q === undefined ? 1 : Number(q.slice(2))
    return Number.isFinite(weight) ? weight : 1
  }
  return 0
}
