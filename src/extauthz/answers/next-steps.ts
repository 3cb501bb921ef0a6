/**
 * What the reader of a page can do next: no page of ours is a dead end.
 *
 * @module
 */
import type { Action } from '../../transport/page.ts'
import type { Check } from '../check.ts'
import type { Refusal } from './refusal.ts'

/** The list of apps, which asks those to sign in who are not. */
const PORTAL_PATH = '/.pomerium/routes'

export function withNextSteps(refusal: Refusal, check: Check | undefined): Refusal {
  return { ...refusal, actions: [...again(refusal, check), ...(refusal.actions ?? []), ...portal(check)] }
}

/** The very address, which a browser opens by GET: what was posted is not sent again by a link. */
function again({ isPassing = false }: Refusal, check: Check | undefined): readonly Action[] {
  const isRead = check?.request.method === 'GET' || check?.request.method === 'HEAD'
  return isPassing && isRead ? [{ label: 'Try again', href: '', main: true }] : []
}

function portal(check: Check | undefined): readonly Action[] {
  if (check?.route?.settings.authenticate_service_url === undefined) return []
  return [{ label: check.sessions.length > 0 ? 'Your apps' : 'Sign in', href: PORTAL_PATH }]
}
