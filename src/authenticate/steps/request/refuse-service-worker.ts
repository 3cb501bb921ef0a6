/**
 * No page of ours is the script of a service worker. One registered here could answer for these pages from
 * then on.
 *
 * @see Service Workers section "Fetching": every browser sends `Service-Worker: script` with it
 * @module
 */
import { Fault } from '../../../errors.ts'
import type { Answer, Visit } from '../../visit.ts'

export function refuseServiceWorker({ request }: Visit): Answer | undefined {
  const { 'service-worker': worker, 'sec-fetch-dest': destination } = request.headers
  if (worker !== undefined || destination === 'serviceworker')
    throw new Fault('REQUEST_INVALID', 'a page that is asked for as the script of a service worker')
  return undefined
}
