/**
 * A service account: an identity that an operator has made for a machine. Pure.
 *
 * @module
 */
import { z } from 'zod'
import type { StoredRecord } from '../../../session/records.ts'
import type { Session } from '../../../session/session.ts'

export const SERVICE_ACCOUNTS = 'service-account'

/** Times are epoch milliseconds. */
const ServiceAccountValue = z.object({
  /** Unique among those that live. */
  name: z.string(),
  /** Its own, `service-account/<name>`, or that of a person in whose place it acts. */
  userId: z.string(),
  email: z.string().optional(),
  groups: z.array(z.string()).default([]),
  claims: z.record(z.string(), z.array(z.string())).default({}),
  description: z.string().optional(),
  createdAt: z.number(),
  createdBy: z.string().optional(),
  /** Unset: until it is revoked. */
  expiresAt: z.number().optional(),
  /** Where alone it may be used: names of routes, or their hosts. Unset: everywhere. */
  routes: z.array(z.string()).optional(),
})
export type ServiceAccountValue = z.output<typeof ServiceAccountValue>

export interface ServiceAccount extends ServiceAccountValue {
  readonly id: string
  /** Who it is to policies, logs and upstreams. One object for as long as the record does not change. */
  readonly session: Session
}

/** What a machine that has no name of its own at a provider is called in policies. */
export const ownUserId = (name: string): string => `service-account/${name}`

/** `undefined` for a record that this version can't read: it then names nobody. */
export function serviceAccountOf({ id, value, version }: StoredRecord): ServiceAccount | undefined {
  const read = ServiceAccountValue.safeParse(value)
  return read.success ? { ...read.data, id, session: sessionOf(id, read.data, version) } : undefined
}

function sessionOf(id: string, account: ServiceAccountValue, version: number): Session {
  return {
    kind: 'service-account',
    id,
    idpId: '',
    userId: account.userId,
    email: account.email,
    name: account.name,
    claims: account.claims,
    groups: account.groups,
    issuedAt: account.createdAt,
    expiresAt: account.expiresAt ?? Number.MAX_SAFE_INTEGER,
    tokens: {
      accessToken: undefined,
      accessTokenExpiresAt: undefined,
      refreshToken: undefined,
      idToken: undefined,
      idTokenExpiresAt: undefined,
    },
    version,
  }
}

/** The part of a route by which accounts are tied to it. */
interface NamedRoute {
  readonly id: string
  readonly name?: string | undefined
  readonly from: string
}

/**
 * Whether the account may be used on that route.
 *
 * @param host of the request, canonical: where a route has a wildcard, an account may be tied to one of its
 * hosts
 */
export function isMeantFor(
  { routes }: Pick<ServiceAccount, 'routes'>,
  route: NamedRoute,
  host: string,
): boolean {
  if (routes === undefined) return true
  const fromHost = route.from
    .replace(/^[a-z+]+:\/\//i, '')
    .replace(/\/$/, '')
    .toLowerCase()
  const withoutPort = fromHost.replace(/:\d+$/, '')
  const known = [route.id, route.name, route.from, fromHost, withoutPort, host]
  return routes.some((entry) => known.includes(entry) || known.includes(entry.toLowerCase()))
}
