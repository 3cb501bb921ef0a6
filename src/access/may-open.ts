/**
 * Whether a route is one that a person may open, for pages that show only those.
 *
 * @module
 */
import type { Config, Route } from '../config/config.ts'
import { Fault } from '../errors.ts'
import type { Session } from '../session/session.ts'
import { type AccessRequest, accessBy } from './access.ts'
import type { ClientCertificate } from './credentials/client-certificate/verifier.ts'
import { AFTER_SIGN_IN, runRows } from './pipeline.ts'
import type { AccessDependencies } from './ports.ts'
import { type AccessRoute, accessRoutes, type RoutePorts } from './route.ts'

/** What is known of whoever looks at the page. */
export interface Looking {
  readonly session: Session
  /** Epoch milliseconds. */
  readonly now: number
  /** Of the client; empty when it can't be told. */
  readonly clientAddress: string
  readonly certificateFor: (route: AccessRoute) => ClientCertificate | undefined
}

/** Asked for one route after another: it answers from memory. What goes wrong with a route is no. */
export type MayOpen = (config: Config, route: Route, looking: Looking) => boolean

export function mayOpenBy(dependencies: AccessDependencies, ports: RoutePorts): MayOpen {
  const routeIn = accessRoutes(ports)
  return (config, route, { session, now, clientAddress, certificateFor }) => {
    try {
      const compiled = routeIn(config, route)
      const access = accessBy({
        request: firstPage(clientAddress),
        now,
        host: route.origin.host,
        path: route.path ?? route.prefix ?? '/',
        route: compiled,
        sessionIds: [session.id],
      })
      access.sessions = [session]
      access.certificate = certificateFor(compiled)
      const verdict = runRows(access, dependencies, AFTER_SIGN_IN)
      if (verdict instanceof Promise) throw new Error('a row waits that answers from memory')
      return verdict.outcome === 'allow' || verdict.outcome === 'step-up'
    } catch (error) {
      if (error instanceof Fault) return false
      throw error
    }
  }
}

const firstPage = (clientAddress: string): AccessRequest => ({
  method: 'GET',
  sourceAddress: '',
  clientAddress,
  header: () => undefined,
  headers: () => ({}),
})
