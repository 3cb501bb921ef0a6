/** Where people choose which identity provider they sign in at. Links only: it works without scripts. */

import { signUrl } from '../../crypto/signed-url.ts'
import { CHOOSE_PARAMETER, IDP_ID_PARAMETER } from '../../edge/sign-in-url.ts'
import type { IdentityProvider } from '../../identity/provider.ts'
import { html } from '../../transport/html.ts'
import { hostCookie, PROVIDER_COOKIE } from '../cookies.ts'
import { type Answer, page, required, type Visit } from '../visit.ts'

/** As long as the browser is known on the target's host: people go for lunch on this page too. */
const CHOICE_MS = 3_600_000

/** The one that was taken last stands first. */
export function providerPage(visit: Visit, providers: readonly IdentityProvider[]): Answer {
  const last = hostCookie(visit.request.headers.cookie, PROVIDER_COOKIE)
  const sorted = [...providers.filter(({ id }) => id === last), ...providers.filter(({ id }) => id !== last)]
  const { session } = visit.found
  return page({
    title: 'Sign in',
    heading: 'How do you want to sign in?',
    body: html`<p>To go on to <strong>${required(visit, 'target').host}</strong>, choose where you have an account.</p>
<ul class="choices">${sorted.map(
      ({ id, label }) =>
        html`<li><a class="${id === last ? 'button main' : 'button'}" href="${choiceUrl(visit, id)}">${label}${
          id === last && html` <span>used last</span>`
        }</a></li>`,
    )}</ul>
${
  session !== undefined &&
  html`<p class="soft">You are signed in as ${session.email ?? session.name ?? session.userId}.${visit.request.query.has(CHOOSE_PARAMETER) && ' Choose the same place again to use another account there.'}</p>`
}`,
  })
}

/** This very address with one provider instead of several, signed anew: nothing else in it can be changed. */
function choiceUrl({ site, request, services, now }: Visit, idpId: string): string {
  const url = new URL(site.origin + request.path + request.search)
  url.searchParams.set(IDP_ID_PARAMETER, idpId)
  return signUrl(url, services.keys.url, now, CHOICE_MS)
}
