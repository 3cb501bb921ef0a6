/** Documents for programs: the well-known metadata, the signing keys, and a word to crawlers. */
import { createHash } from 'node:crypto'
import { type Answer, redirect, type Visit } from '../visit.ts'

/** What a service of one's own needs to know of this deployment. */
export function wellKnown(visit: Visit): Answer {
  const { site, sites } = visit
  return publicJson(visit, {
    issuer: `${site.origin}/`,
    authentication_callback_endpoint: new URL('/oauth2/callback', sites.authenticateUrl).href,
    jwks_uri: `${site.origin}/.well-known/pomerium/jwks.json`,
    frontchannel_logout_uri: `${site.origin}/.pomerium/sign_out`,
  })
}

/** Keys by which upstreams verify assertions. @see RFC 7517 section 5 */
export function jwks(visit: Visit): Answer {
  return publicJson(visit, visit.services.signingKeys.jwks)
}

const OPEN_TO_ALL = {
  'access-control-allow-origin': '*',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'cross-origin',
} as const

function publicJson({ request }: Visit, value: unknown): Answer {
  if (request.method === 'OPTIONS') {
    const headers = {
      ...OPEN_TO_ALL,
      'access-control-allow-methods': 'GET, HEAD',
      'access-control-allow-headers': '*',
      'access-control-max-age': '600',
    }
    return { status: 204, headers, body: '' }
  }
  const body = JSON.stringify(value)
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  const headers = { ...OPEN_TO_ALL, etag, 'cache-control': 'public, max-age=60' }
  if (isFresh(request.headers['if-none-match'], etag)) return { status: 304, headers, body: '' }
  return { status: 200, headers: { ...headers, 'content-type': 'application/json; charset=utf-8' }, body }
}

/** RFC 9110 section 13.1.2. */
function isFresh(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')))
}

export function robots(): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'public, max-age=3600' },
    body: 'User-agent: *\nDisallow: /\n',
  }
}

export function toUserPage(visit: Visit): Answer {
  return redirect(visit, '/.pomerium/')
}
