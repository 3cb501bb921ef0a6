/** The portal: the routes that this person may open, and no other. */

import {
  CERTIFICATE_HEADER,
  certificateShown,
} from '../../access/credentials/client-certificate/forwarded.ts'
import { verifierFor } from '../../access/credentials/client-certificate/trust.ts'
import type { Route } from '../../config/config.ts'
import { clientAddress } from '../../edge/client-address.ts'
import { providerNameIn } from '../../identity/provider-names.ts'
import type { RequestFacts, Subject } from '../../policy/decision.ts'
import type { Session } from '../../session/session.ts'
import { html, safeHref } from '../../transport/html.ts'
import { actionBar } from '../../transport/page.ts'
import { type Answer, json, page, required, type Visit } from '../visit.ts'

export function portalPage(visit: Visit): Answer {
  const session = required(visit, 'session')
  const routes = openRoutes(visit)
  return page(visit, {
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

export function portalJson(visit: Visit): Answer {
  const routes = openRoutes(visit).map((route) => ({
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

/** On a route of other identity providers the session counts for nothing, as everywhere. */
function openRoutes(visit: Visit): readonly Route[] {
  const { config, services } = visit
  const session = required(visit, 'session')
  const subject = subjectOf(session, providerNameIn(config, session.idpId))
  return config.routes.filter((route) => {
    const counts = services.idpIdsFor(route).includes(session.idpId)
    return services.mayOpen(route, counts ? subject : ANONYMOUS, factsOf(visit, route))
  })
}

const ANONYMOUS: Subject = { kind: 'anonymous' }

function subjectOf(
  { id, userId, email, name, claims, groups, knownGroups }: Session,
  provider: string | undefined,
): Subject {
  return { kind: 'user', sessionId: id, userId, provider, email, name, claims, groups, knownGroups }
}

/** As if the person opened the route's first page from here. */
function factsOf({ request, config, now }: Visit, route: Route): RequestFacts {
  const verifier = verifierFor(route, config.settings)
  const forwardedFor = request.headers['x-forwarded-for']?.toString()
  return {
    method: 'GET',
    path: route.path ?? route.prefix ?? '/',
    host: route.origin.host,
    sourceIp: clientAddress({ peer: undefined, forwardedFor }, config.settings),
    headers: {},
    clientCertificate:
      verifier && certificateShown(verifier, request.headers[CERTIFICATE_HEADER]?.toString(), now),
    now,
  }
}
