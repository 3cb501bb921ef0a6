/**
 * In what form an answer of ours reaches the requester: a person at a browser, a script, a gRPC client,
 * kubectl.
 *
 * @module
 */

import type { HeaderCredentials } from '../../edge/header-credentials.ts'
import { prefersHtml } from '../../transport/prefers-html.ts'
import type { CheckRequest } from '../check-request.ts'

export type Shape = 'html' | 'json' | 'plain' | 'grpc' | 'grpc-web' | 'kubernetes'

/** The order decides: a protocol of its own first, then who is a person, then what a program asked for. */
export function shapeFor(request: CheckRequest, credentials: HeaderCredentials): Shape {
  const contentType = request.header('content-type') ?? ''
  if (contentType.startsWith('application/grpc-web')) return 'grpc-web'
  if (/^application\/grpc(?:$|[+;])/.test(contentType)) return 'grpc'
  if (request.header('user-agent')?.includes('kubernetes/') === true) return 'kubernetes'
  if (request.method === 'CONNECT' || request.header('upgrade') !== undefined) return 'plain'
  if (isPerson(request, credentials)) return 'html'
  const accept = request.header('accept') ?? ''
  return accept.includes('text/plain') && !accept.includes('json') ? 'plain' : 'json'
}

/**
 * No browser sends a token along when a person opens a page, whoever it is meant for. Nor does one name the
 * origin of a page that is opened: that is a script, in a browser that is too old to say so by fetch
 * metadata.
 */
function isPerson(request: CheckRequest, credentials: HeaderCredentials): boolean {
  const fetchMode = request.header('sec-fetch-mode')
  if (credentials.isFromProgram) return false
  if (fetchMode === undefined && isRead(request) && request.header('origin') !== undefined) return false
  return prefersHtml({
    'sec-fetch-mode': fetchMode,
    'x-requested-with': request.header('x-requested-with'),
    accept: request.header('accept'),
  })
}

/**
 * Whether a redirect to the sign-in page serves this request: only a navigation that carries no body.
 *
 * A form that is posted after the session ended would lose what was typed, and come back as a GET of an
 * address that may have none; it gets a page that says so instead.
 */
export function mayBeRedirected(request: CheckRequest, shape: Shape): boolean {
  return shape === 'html' && isRead(request)
}

const isRead = ({ method }: CheckRequest) => method === 'GET' || method === 'HEAD'
