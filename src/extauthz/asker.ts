/**
 * What kind of user agent asks, and so in which shape it can read a refusal.
 *
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http'
import { prefersHtml } from '../transport/prefers-html.ts'
import type { CheckRequest } from './check-request.ts'

export type Shape = 'html' | 'json' | 'plain' | 'grpc' | 'grpc-web' | 'kubernetes'

/** The order decides: a protocol of its own first, then who is a person, then what a program asked for. */
export function shapeFor(request: CheckRequest): Shape {
  const contentType = request.header('content-type') ?? ''
  if (contentType.startsWith('application/grpc-web')) return 'grpc-web'
  if (/^application\/grpc(?:$|[+;])/.test(contentType)) return 'grpc'
  if (request.header('user-agent')?.includes('kubernetes/') === true) return 'kubernetes'
  if (request.method === 'CONNECT' || request.header('upgrade') !== undefined) return 'plain'
  if (prefersHtml(htmlHints(request))) return 'html'
  const accept = request.header('accept') ?? ''
  return accept.includes('text/plain') && !accept.includes('json') ? 'plain' : 'json'
}

function htmlHints(request: CheckRequest): IncomingHttpHeaders {
  return {
    'sec-fetch-mode': request.header('sec-fetch-mode'),
    'x-requested-with': request.header('x-requested-with'),
    accept: request.header('accept'),
  }
}

/**
 * Whether a redirect to the sign-in page serves this request: only a navigation that carries no body.
 *
 * A form that is posted after the session ended would lose what was typed, and come back as a GET of an
 * address that may have none; it gets a page that says so instead.
 */
export function mayBeRedirected(request: CheckRequest, shape: Shape): boolean {
  return shape === 'html' && (request.method === 'GET' || request.method === 'HEAD')
}
