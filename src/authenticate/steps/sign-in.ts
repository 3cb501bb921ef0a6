/** The sign-in page: a hand-off for those who are signed in, the identity provider for everybody else. */

import { meetsDemand } from '../../access/sign-in-age.ts'
import { readDemand } from '../../edge/authentication-requirement.ts'
import { FLOW_SECONDS } from '../../edge/flow.ts'
import { ADDITIONAL_HOSTS_PARAMETER, CHOOSE_PARAMETER, FLOW_PARAMETER } from '../../edge/sign-in-url.ts'
import { Fault } from '../../errors.ts'
import type { Session } from '../../session/session.ts'
import { prefersHtml } from '../../transport/prefers-html.ts'
import { additionalHosts } from '../chain.ts'
import { hostOnlyCookie, LOGIN_COOKIE_PREFIX, loginCookies, sessionCookie } from '../cookies.ts'
import { fingerprint, type OauthState, randomId, sealState, signInSecrets } from '../oauth-state.ts'
import { type Answer, type HostCookie, redirect, required, type Visit } from '../visit.ts'
import { goToTarget } from './go-to-target.ts'

/** It outlives the state, so that an answer that comes too late is known as one of this browser. */
const LOGIN_COOKIE_SECONDS = 2 * FLOW_SECONDS

/**
 * A session of another provider, or of another client of it, is none for this route; one too old or weak must
 * be renewed; and whoever asks to be somebody else is not taken for who they are.
 */
export function handOffTheSignedIn(visit: Visit): Answer | undefined {
  const { session } = visit.found
  const counts = required(visit, 'providers').some(({ id }) => id === session?.idpId)
  if (session === undefined || !counts || visit.request.query.has(CHOOSE_PARAMETER)) return undefined
  if (!meetsDemand(session, readDemand(visit.request.query), visit.now)) return undefined
  takeOver(visit, session)
  return goToTarget(visit, session, visit.request.query.get(FLOW_PARAMETER) ?? undefined, hostsOf(visit))
}

/**
 * Pages of this very host know people by its session cookie alone, which may name a session that has ended.
 */
function takeOver(visit: Visit, session: Session): void {
  if (!visit.sites.hasSignIn(required(visit, 'target'))) return
  visit.cookies.push(sessionCookie(visit, session.id))
}

/** A program can't sign in, and a redirect to the provider would break it on CORS. */
export function refusePrograms({ request }: Visit): Answer | undefined {
  if (!prefersHtml(request.headers))
    throw new Fault('NOT_SIGNED_IN', 'a program was sent to the sign-in page')
  return undefined
}

export function startSignIn(visit: Visit): Promise<Answer> {
  const { request, found } = visit
  const [provider] = required(visit, 'providers')
  if (provider === undefined) throw new Error('nobody to sign in at')
  const demand = readDemand(request.query)
  const renewed = found.session?.idpId === provider.id ? found.session : undefined
  return goToProvider(visit, {
    target: required(visit, 'target').href,
    idpId: provider.id,
    additionalHosts: hostsOf(visit),
    flow: request.query.get(FLOW_PARAMETER) ?? undefined,
    demand,
    // A provider that did not say when it was can't show later that it has asked again.
    isForced: demand.maxAge !== undefined && renewed !== undefined && renewed.authenticatedAt === undefined,
    isSwitch: request.query.has(CHOOSE_PARAMETER),
    renews: renewed?.id,
    isRenewal: false,
  })
}

type SignInPlan = Omit<OauthState, 'issuedAt' | 'jti' | 'browser'>

/** The redirect that begins a sign-in at the provider. */
export async function goToProvider(visit: Visit, plan: SignInPlan): Promise<Answer> {
  const { services, request, now } = visit
  const { idpId, demand, isForced, isSwitch } = plan
  const provider = services.provider(idpId)
  if (provider === undefined)
    throw new Fault('IDP_NOT_CONFIGURED', `no provider has the id ${idpId.slice(0, 64)}`)
  const loginCookie = loginCookies(request.headers.cookie)[0] ?? newLoginCookie()
  visit.cookies.push(hostOnlyCookie(loginCookie.name, loginCookie.value, LOGIN_COOKIE_SECONDS))
  const urlTo = (target: string): Promise<URL> => {
    const state: OauthState = {
      ...plan,
      target,
      issuedAt: now,
      jti: randomId(),
      browser: fingerprint(loginCookie.value),
    }
    const oauthState = sealState(state, services.sealer)
    const secrets = signInSecrets(oauthState, state, loginCookie.value, services.keys.state)
    return provider.authorizationUrl(secrets, { ...demand, isForced, isSwitch })
  }
  const url = await urlTo(plan.target)
  if (url.href.length <= LONGEST_URL) return redirect(visit, url)
  const { origin, pathname } = new URL(plan.target)
  const toPath = await urlTo(origin + pathname)
  return redirect(visit, toPath.href.length <= LONGEST_URL ? toPath : await urlTo(`${origin}/`))
}

/**
 * The state holds where somebody wants to go, and providers refuse URLs that are too long: rather without the
 * query, or at the root of the app, than not signed in at all.
 */
const LONGEST_URL = 6000

function newLoginCookie(): HostCookie {
  return { name: `${LOGIN_COOKIE_PREFIX}${randomId().slice(0, 3)}`, value: randomId() }
}

export function hostsOf(visit: Visit): readonly string[] {
  return additionalHosts(
    visit,
    visit.request.query.get(ADDITIONAL_HOSTS_PARAMETER),
    required(visit, 'target'),
  )
}
