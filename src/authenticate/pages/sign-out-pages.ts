/** Before and after signing out. */
import type { Session } from '../../session/session.ts'
import { html } from '../../transport/html.ts'
import { actionBar } from '../../transport/page.ts'
import { type Answer, page, type Visit } from '../visit.ts'

export function signOutQuestion(visit: Visit, session: Session): Answer {
  return page({
    title: 'Sign out',
    heading: 'Sign out?',
    body: html`<p>You are signed in as <strong>${session.email ?? session.name ?? session.userId}</strong>. Signing out ends your session on every app of this deployment.</p>
${actionBar([
  { label: 'Sign out', href: '/.pomerium/sign_out', main: true, post: {} },
  { label: 'Stay signed in', href: '/.pomerium/' },
])}`,
  })
}

export function signedOutPage(visit: Visit): Answer {
  const onward = visit.config.settings.signout_redirect_url
  const { session } = visit.found
  if (session !== undefined) return signOutQuestion(visit, session)
  return page({
    title: 'Signed out',
    heading: 'You are signed out',
    tone: 'good',
    body: html`<p>You are signed out of every app of this deployment.</p>
<p class="soft">If others use this computer, close the browser too: apps and your identity provider may remember you by themselves.</p>
${actionBar([
  { label: 'Sign in again', href: '/.pomerium/routes', main: true },
  ...(onward === undefined ? [] : [{ label: 'Go on', href: onward }]),
])}`,
  })
}
