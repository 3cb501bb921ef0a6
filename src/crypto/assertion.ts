/**
 * What an upstream is told of the person behind a request: the claims of the assertion, and headers made of them.
 *
 * Pure; signing-keys.ts signs, extauthz/ decides when a new one is due.
 *
 * @module
 */

/** The part of a session that assertions speak of. */
interface AssertionSubject {
  readonly id: string
  readonly userId: string
  readonly email: string | undefined
  readonly name: string | undefined
  readonly claims: Readonly<Record<string, readonly string[]>>
  readonly groups: readonly string[] | 'unknown'
}

export interface AssertionInput {
  /** Host name of the request, without port: issuer and audience both. */
  readonly host: string
  readonly session: AssertionSubject | 'anonymous'
  /** Names of further claims to copy, from `jwt_claims_headers`. */
  readonly jwtClaims: readonly string[]
  readonly issuerFormat: 'hostOnly' | 'uri'
  readonly nowSeconds: number
  readonly jti: string
  /** Groups that may be told; `undefined` tells all, an empty list none. */
  readonly groupsFilter?: readonly string[] | undefined
}

export interface AssertionClaims {
  readonly iss: string
  readonly aud: string
  readonly jti: string
  readonly iat: number
  readonly exp: number
  readonly sub: string
  readonly user: string
  readonly email: string
  readonly name: string
  readonly sid: string
  readonly groups: readonly string[]
  readonly [claim: string]: unknown
}

const ASSERTION_LIFETIME_SECONDS = 300

/**
 * Claims of the assertion; base claims can't be overridden by the provider's.
 *
 * Groups that could not be had are told as none, which grants the least: upstreams have no third value.
 */
export function assertionClaims(input: AssertionInput): AssertionClaims {
  const { host, nowSeconds, jti } = input
  const session = input.session === 'anonymous' ? undefined : input.session
  const copied = input.jwtClaims.flatMap((name) => {
    const values = valuesOf(session, name)
    return values === undefined ? [] : [[name, values.join(',')] as const]
  })
  return {
    ...Object.fromEntries(copied),
    iss: input.issuerFormat === 'uri' ? `https://${host}/` : host,
    aud: host,
    jti,
    iat: nowSeconds,
    exp: nowSeconds + ASSERTION_LIFETIME_SECONDS,
    sub: session?.userId ?? '',
    user: session?.userId ?? '',
    email: session?.email ?? '',
    name: session?.name ?? '',
    sid: session?.id ?? '',
    groups: keepGroups(session?.groups ?? [], input.groupsFilter),
  }
}

/** Groups that the filter lets through; unknown groups come out as none. */
export function keepGroups(
  groups: readonly string[] | 'unknown',
  filter: readonly string[] | undefined,
): readonly string[] {
  if (groups === 'unknown') return []
  return filter === undefined ? groups : groups.filter((group) => filter.includes(group))
}

/** Value of a claim header: lists joined by commas, a missing claim is an empty header. */
export function claimHeaderValue(claims: AssertionClaims, name: string): string {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function valuesOf(session: AssertionSubject | undefined, name: string): readonly string[] | undefined {
  if (session === undefined || !Object.hasOwn(session.claims, name)) return undefined
  return session.claims[name]
}
