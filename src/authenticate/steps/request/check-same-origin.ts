/** A post of ours comes from a page of ours. */
import { Fault } from '../../../errors.ts'
import type { Answer, Visit } from '../../visit.ts'

/** Browsers send `Origin` with every post; one without it, or with another's, has been set up elsewhere. */
export function checkSameOrigin({ request, site }: Visit): Answer | undefined {
  if (request.method !== 'POST') return undefined
  const fetchSite = request.headers['sec-fetch-site']
  const isOurs =
    request.headers.origin === site.origin && (fetchSite === undefined || fetchSite === 'same-origin')
  if (!isOurs) throw new Fault('REQUEST_INVALID', `posted from ${String(request.headers.origin)}`)
  return undefined
}
