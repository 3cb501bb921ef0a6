/** Addresses of the sign-in chain are made here, and nothing in them can be changed. */
import { SIGNATURE_PARAMETER, verifySignedUrl } from '../../../crypto/signed-url.ts'
import type { Answer, Visit } from '../../visit.ts'

export function checkSignedUrl({ request, services, site, now }: Visit): Answer | undefined {
  verifySignedUrl(site.origin + request.path + request.search, services.keys.url, now)
  return undefined
}

export function isSigned({ request }: Visit): boolean {
  return request.query.has(SIGNATURE_PARAMETER)
}
