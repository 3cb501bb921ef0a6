/** The portal: the routes that this person may open, and no other. */

import {
  CERTIFICATE_HEADER,
  certificateShown,
} from '../../access/credentials/client-certificate/forwarded.ts'
import type { Looking } from '../../access/may-open.ts'
import type { Config, Route } from '../../config/config.ts'
import { clientAddress } from '../../edge/client-address.ts'
import { type Html, type HtmlValue, html, safeHref } from '../../transport/html.ts'
import { actionBar, headersWithImages } from '../../transport/page.ts'
import { each, inTurns } from '../../turns.ts'
import { type Answer, json, page, required, type Visit } from '../visit.ts'

/** From so many on they are searched, and not looked through. */
const SEARCHED_FROM = 9
const LONGEST_SEARCH = 100

export async function portalPage(visit: Visit): Promise<Answer> {
  const session = required(visit, 'session')
  const routes = await openRoutes(visit)
  const asked = (visit.request.query.get('q') ?? '').trim().slice(0, LONGEST_SEARCH)
  const found = asked === '' ? routes : routes.filter(matcherOf(asked))
  const answer = page({
    title: 'Your apps',
    heading: 'Your apps',
    wide: true,
    body: html`${(routes.length >= SEARCHED_FROM || asked !== '') && searchForm(asked)}
${asked !== '' && html`<p class="soft">${found.length} of ${routes.length} apps match “<bdi>${asked}</bdi>”. <a href="/.pomerium/routes">Show all</a></p>`}
${
  routes.length === 0
    ? html`<p>There is no app here that you may open as <strong><bdi>${session.email ?? session.userId}</bdi></strong>.</p>`
    : sectionsOf(found)
}
${actionBar([
  { label: 'Your session', href: '/.pomerium/' },
  { label: 'Sign out', href: '/.pomerium/sign_out' },
])}`,
  })
  return { ...answer, headers: headersWithImages(found.flatMap(({ logo_url: url }) => url ?? [])) }
}

/** A form and no script: it works wherever the page does. */
function searchForm(asked: string): Html {
  return html`<form class="search" role="search" method="get" action="/.pomerium/routes"><label for="q">Search your apps</label><input id="q" name="q" type="search" value="${asked}" maxlength="${LONGEST_SEARCH}" autocomplete="off" dir="auto"><button class="button">Search</button></form>`
}

/** Each word of the search is somewhere in what the tile says. */
function matcherOf(asked: string): (route: Route) => boolean {
  const words = folded(asked).split(/\s+/)
  return (route) => {
    const said = folded([route.name, route.description, route.portal_section, route.from].join(' '))
    return words.every((word) => said.includes(word))
  }
}

const folded = (text: string): string => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()

/** In the order in which the file first names them; apps without a section last. */
function sectionsOf(routes: readonly Route[]): HtmlValue {
  const sections = Map.groupBy(routes, ({ portal_section: section }) => section)
  const rest = sections.get(undefined) ?? []
  sections.delete(undefined)
  if (sections.size === 0) return tiles(rest)
  return [
    ...[...sections].map(([section, some]) => html`<h2 dir="auto">${section}</h2>${tiles(some)}`),
    rest.length > 0 && html`<h2>Other apps</h2>${tiles(rest)}`,
  ]
}

const tiles = (routes: readonly Route[]): HtmlValue =>
  routes.length > 0 && html`<ul class="apps">${routes.map(tile)}</ul>`

function tile(route: Route): Html {
  const address = addressOf(route)
  const name = route.name ?? route.origin.host
  const words = html`${icon(name, route.logo_url)}<span class="words"><strong dir="auto">${name}</strong>
<span dir="auto">${route.description}</span><span>${route.from.replace(/^https:\/\//, '')}${route.path ?? route.prefix}</span></span>`
  // A wildcard names no address that could be opened.
  return address === undefined
    ? html`<li><div class="app">${words}</div></li>`
    : html`<li><a href="${safeHref(address)}">${words}</a></li>`
}

/** The letter stays where the image does not come. */
function icon(name: string, url: string | undefined): Html {
  const [letter] = name.trim().toUpperCase()
  const source = imageSource(url)
  const image =
    source !== undefined &&
    html`<img src="${source}" alt="" loading="lazy" decoding="async" referrerpolicy="no-referrer">`
  return html`<span class="icon" aria-hidden="true">${letter}${image}</span>`
}

/** What our policy lets a browser load: over plain HTTP others could read along which apps are there. */
function imageSource(url: string | undefined): string | undefined {
  return url !== undefined && /^(?:data:image\/|https:\/\/)/i.test(url) ? url : undefined
}

function addressOf(route: Route): string | undefined {
  if (route.origin.wildcard) return undefined
  return route.from.replace(/\/$/, '') + (route.path ?? route.prefix ?? '/')
}

export async function portalJson(visit: Visit): Promise<Answer> {
  const routes = (await openRoutes(visit)).map((route) => ({
    id: route.id,
    name: route.name ?? route.id,
    type: 'http',
    from: route.from,
    description: route.description ?? '',
    connect_command: '',
    logo_url: route.logo_url ?? '',
  }))
  return json({ routes })
}

/** As if the person opened the first page of each route from here. */
async function openRoutes(visit: Visit): Promise<readonly Route[]> {
  const { config, services, request, now } = visit
  const forwardedFor = request.headers['x-forwarded-for']?.toString()
  const certificate = request.headers[CERTIFICATE_HEADER]?.toString()
  const looking: Looking = {
    session: required(visit, 'session'),
    now,
    clientAddress: clientAddress({ peer: undefined, forwardedFor }, config.settings),
    certificateFor: ({ certificates }) => certificates && certificateShown(certificates, certificate, now),
  }
  const isHidden = hiddenBy(config.settings)
  const open: Route[] = []
  await inTurns(
    each(config.routes, (route) => {
      if (!isHidden(route) && services.mayOpen(config, route, looking)) open.push(route)
    }),
  )
  return open
}

/** Nobody opens a sign-in provider as an app, although its pages are open to all. */
function hiddenBy({ sign_in_providers: providers }: Config['settings']): (route: Route) => boolean {
  const hosts = new Set(providers.map(({ provider_url: url }) => URL.parse(url)?.hostname))
  return ({ portal_hidden: isHidden, origin }) => isHidden ?? hosts.has(origin.host)
}
