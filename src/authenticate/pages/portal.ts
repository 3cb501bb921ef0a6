/** The portal: the routes that this person may open, and no other. */

import {
  CERTIFICATE_HEADER,
  certificateShown,
} from '../../access/credentials/client-certificate/forwarded.ts'
import type { Looking } from '../../access/may-open.ts'
import type { Route } from '../../config/config.ts'
import { clientAddress } from '../../edge/client-address.ts'
import { html, safeHref } from '../../transport/html.ts'
import { actionBar } from '../../transport/page.ts'
import { each, inTurns } from '../../turns.ts'
import { type Answer, json, page, required, type Visit } from '../visit.ts'

export async function portalPage(visit: Visit): Promise<Answer> {
  const session = required(visit, 'session')
  const routes = await openRoutes(visit)
  return page({
    title: 'Your apps',
    heading: 'Your apps',
    wide: true,
    body: html`${
      routes.length === 0
        ? html`<p>There is no app here that you may open as <strong>${session.email ?? session.userId}</strong>.</p>`
        : html`<ul class="apps">${routes.map(tile)}</ul>`
    }
${actionBar([
  { label: 'Your session', href: '/.pomerium/' },
  { label: 'Sign out', href: '/.pomerium/sign_out' },
])}`,
  })
}

function tile(route: Route) {
  const address = addressOf(route)
  const words = html`<strong>${route.name ?? route.origin.host}</strong>
<span>${route.description}</span><span>${route.from.replace(/^https:\/\//, '')}${route.path ?? route.prefix}</span>`
  // A wildcard names no address that could be opened.
  return address === undefined
    ? html`<li><div class="app">${words}</div></li>`
    : html`<li><a href="${safeHref(address)}">${words}</a></li>`
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
  const open: Route[] = []
  await inTurns(
    each(config.routes, (route) => {
      if (services.mayOpen(config, route, looking)) open.push(route)
    }),
  )
  return open
}
