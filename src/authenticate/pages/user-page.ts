/** Who am I here: the page and its JSON. Never shows a token. */

import { withNested } from '../../identity/claims.ts'
import { groupsClaimsIn } from '../../identity/groups-claims.ts'
import { providerNameIn } from '../../identity/provider-names.ts'
import { certainGroupsOf, type Session } from '../../session/session.ts'
import { type Html, html } from '../../transport/html.ts'
import { actionBar, factList, tagList } from '../../transport/page.ts'
import { assertionClaims } from '../../upstream/assertion.ts'
import { GroupsFilter, withGroupsCut } from '../../upstream/groups-filter.ts'
import { hasSeveralProviders } from '../recall.ts'
import { type Answer, json, page, required, type Visit } from '../visit.ts'

export function userPage(visit: Visit): Answer {
  const { session } = visit.found
  if (session === undefined) {
    return page({
      title: 'Not signed in',
      heading: 'You are not signed in',
      body: html`<p>Sign in to see which apps you may open here.</p>
${actionBar([{ label: 'Sign in', href: '/.pomerium/routes', main: true }])}`,
    })
  }
  return page({
    title: 'Your session',
    heading: session.name ?? session.email ?? session.userId,
    tone: 'good',
    body: html`${factList([
      ['E-mail', session.email],
      ['Groups', groupsOf(session)],
      ['Signed in', instant(session.issuedAt)],
      ['At', hasSeveralProviders(visit) && visit.services.provider(session.idpId)?.label],
      [
        'Until',
        html`${instant(session.expiresAt)} <span class="soft">(${timeLeft(session.expiresAt - visit.now)})</span>`,
      ],
    ])}
${actionBar([
  { label: 'Your apps', href: '/.pomerium/routes', main: true },
  { label: 'Sign out', href: '/.pomerium/sign_out' },
])}
<details><summary>What your identity provider says of you</summary>
${factList([
  ['User id', html`<code>${session.userId}</code>`],
  ['Session id', html`<code>${session.id}</code>`],
  ...Object.entries(session.claims)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, values]) => [name, readable(name, values)] as const),
])}
</details>`,
  })
}

function groupsOf(session: Session): Html {
  const certain = certainGroupsOf(session)
  const isUnknown = session.groups === 'unknown'
  if (isUnknown && certain.length === 0)
    return html`<span class="soft">not known: neither the identity provider nor the directory could say which</span>`
  if (isUnknown)
    return html`${tagList(certain)} <span class="soft">perhaps more: a directory could not say which</span>`
  return certain.length === 0 ? html`<span class="soft">none</span>` : tagList(certain)
}

/** Claims that are seconds since 1970 (RFC 7519 section 2, OpenID Connect Core section 5.1). */
const TIME_CLAIMS = new Set(['auth_time', 'updated_at', 'iat', 'nbf', 'exp'])

function readable(name: string, values: readonly string[]): string | Html {
  const seconds = TIME_CLAIMS.has(name) && values.length === 1 ? Number(values[0]) : Number.NaN
  return seconds > 0 && seconds <= LAST_SECOND ? instant(seconds * 1000) : values.join(', ')
}

/** The end of the year 9999. */
const LAST_SECOND = 253_402_300_799

function instant(time: number): Html {
  const iso = new Date(time).toISOString()
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`
}

function timeLeft(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000))
  if (minutes < 90) return `${minutes} min left`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h left` : `${Math.round(hours / 24)} days left`
}

const TOKEN_CLAIMS = new Set(['iss', 'aud', 'exp', 'iat', 'jti'])

/** The claims that an upstream on this host would get, without those that make them a token. */
export function userJson(visit: Visit): Answer {
  const { config, site, now } = visit
  const session = required(visit, 'session')
  const keep = groupsKeeper(visit)
  const jwtClaims = Object.values(config.settings.jwt_claims_headers)
  const cut = withGroupsCut(session.claims, groupsClaimsIn(config.settings), keep)
  const claims = assertionClaims({
    host: site.host,
    session: { ...session, claims: withNested(cut, jwtClaims) },
    jwtClaims,
    groupsClaims: groupsClaimsIn(config.settings),
    issuerFormat: config.settings.jwt_issuer_format,
    groups: keep(certainGroupsOf(session)),
    nowSeconds: Math.floor(now / 1000),
    jti: '',
    idp: config.settings.sign_in_providers.length > 1 ? providerNameIn(config, session.idpId) : undefined,
  })
  const shown = Object.entries(claims).filter(([name]) => !TOKEN_CLAIMS.has(name))
  return json(Object.fromEntries(shown))
}

/** Keeps groups that any route of this host would tell its app; scripts of that app read this. */
function groupsKeeper({
  config,
  site,
  sites,
  services,
}: Visit): (groups: readonly string[]) => readonly string[] {
  const { routes, settings } = config
  const here = routes.filter(({ origin }) => sites.isServedAt(origin, site.host))
  const filters = here.map((route) => new GroupsFilter(route, settings, services.mentionedGroups(route)))
  if (filters.length === 0) filters.push(new GroupsFilter({}, settings, []))
  return (groups) => {
    const tellable = new Set(filters.flatMap((filter) => filter.apply(groups)))
    return groups.filter((group) => tellable.has(group))
  }
}
