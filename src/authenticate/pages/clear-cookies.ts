/**
 * The way out for a browser whose cookies have grown too large for its requests to be taken.
 *
 * It takes a press of a button here: a link alone, on any site, would sign people out of everything.
 */
import { CLEAR_COOKIES_PATH } from '../../edge/own-links.ts'
import { html } from '../../transport/html.ts'
import { actionBar } from '../../transport/page.ts'
import { clearedSessionCookie } from '../cookies.ts'
import { type Answer, page, type Visit } from '../visit.ts'

export function clearCookies(visit: Visit): Answer {
  if (visit.request.method !== 'POST') return question(visit)
  // For browsers that do not know the header; all others drop every cookie that they would send here.
  visit.cookies.push(clearedSessionCookie(visit))
  const answer = page({
    title: 'Cookies cleared',
    heading: 'The cookies are cleared',
    tone: 'good',
    body: html`<p>This browser begins anew here: sign in again where you are asked to.</p>
${actionBar([{ label: 'Go on', href: '/', main: true }])}`,
  })
  return { ...answer, headers: { ...answer.headers, 'clear-site-data': '"cookies"' } }
}

const question = (visit: Visit): Answer =>
  page({
    title: 'Clear cookies',
    heading: 'Clear the cookies?',
    body: html`<p>Your browser forgets all cookies of <strong>${visit.site.host}</strong> and of sites of the same domain. You will be signed out of the apps there.</p>
${actionBar([{ label: 'Clear cookies', href: CLEAR_COOKIES_PATH, main: true, post: {} }])}`,
  })
