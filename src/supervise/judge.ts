/**
 * Whether what was let pass may still go on: the rows of every service, asked again with what the check has
 * left behind.
 *
 * @module
 */
import { type Access, type AccessRequest, accessBy, isSignedIn, type Verdict } from '../access/access.ts'
import { certificateShown } from '../access/credentials/client-certificate/forwarded.ts'
import { ADMISSION, runRows } from '../access/pipeline.ts'
import type { AccessDependencies } from '../access/ports.ts'
import { readsRequest } from '../access/reads-request.ts'
import { type AccessRoute, accessRoutes, type RoutePorts } from '../access/route.ts'
import type { Config, Route } from '../config/config.ts'
import type { Permit, PermitFacts } from '../edge/permit.ts'
import { isMachine } from '../session/session.ts'
import type { MaybePromise } from '../session/store.ts'

export interface Permitted {
  readonly permit: Permit
  readonly facts: PermitFacts | undefined
}

export interface Judgement {
  readonly verdict: Verdict
  readonly access: Access
  /** Epoch milliseconds at which it may come out otherwise although nothing else has changed. */
  readonly goodUntil: number
}

/**
 * `route gone`: the configuration in force does not have it any more. `not known`: its policy asks for what
 * nobody has kept of the request.
 */
export type CannotBeJudged = 'route gone' | 'not known'

export type Judge = (permitted: Permitted) => MaybePromise<Judgement | CannotBeJudged>

export interface JudgeOptions extends AccessDependencies, RoutePorts {
  readonly config: { readonly current: Config }
}

/** What is looked up elsewhere is asked for again after so long. */
const LOOK_AGAIN_MS = 1000

export function createJudge(options: JudgeOptions): Judge {
  const routeIn = accessRoutes(options)
  let known: { readonly config: Config; readonly routes: ReadonlyMap<string, Route> } | undefined
  const dependencies: AccessDependencies = { ...options, serviceAccounts: unused(options.serviceAccounts) }

  function routeOf(id: string): AccessRoute | undefined {
    const config = options.config.current
    if (known?.config !== config)
      known = { config, routes: new Map(config.routes.map((route) => [route.id, route])) }
    const route = known.routes.get(id)
    return route && routeIn(config, route)
  }

  return ({ permit, facts }) => {
    const route = routeOf(permit.routeId)
    if (route === undefined) return 'route gone'
    if (!isKept(route, permit, facts)) return 'not known'
    const access = accessOf(route, permit, facts, options.now())
    const verdict = runRows(access, dependencies, ADMISSION)
    const told = (end: Verdict): MaybePromise<Judgement> => {
      const goodUntil = end.outcome === 'allow' ? goodUntilOf(access, facts, dependencies) : access.now
      return goodUntil instanceof Promise
        ? goodUntil.then((late) => ({ verdict: end, access, goodUntil: late }))
        : { verdict: end, access, goodUntil }
    }
    return verdict instanceof Promise ? verdict.then(told) : told(verdict)
  }
}

function accessOf(route: AccessRoute, permit: Permit, facts: PermitFacts | undefined, now: number): Access {
  const { host, sessionIds, serviceAccountIds } = permit
  const access: Access = {
    ...accessBy({ request: requestOf(facts), now, host, path: facts?.path ?? '/', route, sessionIds }),
    visitor: { sessionIds, serviceAccountIds, hasForgedToken: false },
    credentials: { bearer: facts?.bearer },
  }
  if (route.certificates !== undefined)
    access.certificate = certificateShown(route.certificates, permit.certificate ?? undefined, now)
  return access
}

/** After an edit a policy may read other facts than the one that let it pass. */
function isKept({ policy }: AccessRoute, { certificate }: Permit, facts: PermitFacts | undefined): boolean {
  if (policy.reads.has('client_certificate') && certificate === undefined) return false
  if (facts === undefined) return !readsRequest(policy)
  return policy.needsHeaders.every((name) => facts.headers[name] !== undefined)
}

const requestOf = (facts: PermitFacts | undefined): AccessRequest => ({
  method: facts?.method ?? 'GET',
  sourceAddress: '',
  clientAddress: facts?.clientAddress ?? '',
  header: (name) => facts?.headers[name] ?? undefined,
  headers: () => Object.fromEntries(headersOf(facts)),
})

const headersOf = (facts: PermitFacts | undefined): readonly (readonly [string, string])[] =>
  Object.entries(facts?.headers ?? {}).flatMap(([name, value]) => (value === null ? [] : [[name, value]]))

/** A stream that is judged again is no new use of the account. */
function unused(accounts: AccessDependencies['serviceAccounts']): AccessDependencies['serviceAccounts'] {
  return (
    accounts && {
      find: (id) => accounts.find(id),
      noteUse: () => undefined,
      onChange: (listener) => accounts.onChange(listener),
    }
  )
}

/** Times only: for what changes otherwise somebody tells. */
function goodUntilOf(
  access: Access,
  facts: PermitFacts | undefined,
  { sessions: store }: AccessDependencies,
): MaybePromise<number> {
  const { route, sessions, now, certificate } = access
  if (route === undefined) return now
  const { policy, demand, idleTimeout } = route
  const isElsewhere =
    demand.maxAge !== undefined ||
    certificate?.presented === true ||
    facts?.bearer !== undefined ||
    LOOKED_UP.some((fact) => policy.reads.has(fact))
  const lookAgain = isElsewhere ? now + LOOK_AGAIN_MS : Infinity
  const [session] = sessions
  if (session === undefined) return lookAgain
  const { expiresAt, issuedAt, kind } = session
  // How old it is, and when it was used last, is asked of no machine.
  if (isMachine(kind)) return Math.min(expiresAt, lookAgain)
  const until = Math.min(expiresAt, issuedAt + (route.route.session_lifetime ?? Infinity), lookAgain)
  // Nobody notes when a token is used: it is looked at each second.
  if (idleTimeout === undefined || !isSignedIn(access, session)) return until
  const idle = store.idleTimeOf(session, now, idleTimeout)
  return idle instanceof Promise
    ? idle.then((late) => Math.min(until, now + idleTimeout - late))
    : Math.min(until, now + idleTimeout - idle)
}

const LOOKED_UP = ['time', 'record', 'geo', 'client_certificate'] as const
