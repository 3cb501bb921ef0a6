/**
 * What an upstream is told of the person behind a request: the claims of the assertion, and headers made of
 * them.
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
  /** Name of the identity provider, where several may have somebody of that id. */
  readonly idp?: string | undefined
  /** Those that this upstream is told. */
  readonly groups: readonly string[]
  /** Whether there are more that it would be told if there were room. */
  readonly isGroupsCut?: boolean
  /** Of the copied claims, those that hold groups: lists, even where there is one value. */
  readonly groupsClaims?: ReadonlySet<string>
  /** Copied claims that there was no room for. */
  readonly cutClaims?: readonly string[]
}

/** What every assertion says. */
export interface MinimalClaims {
  readonly iss: string
  readonly aud: string
  readonly jti: string
  readonly iat: number
  readonly exp: number
  readonly sub: string
  readonly idp?: string
}

export interface AssertionClaims extends MinimalClaims {
  readonly user: string
  readonly email: string
  readonly name: string
  readonly sid: string
  readonly groups: readonly string[]
  readonly [claim: string]: unknown
}

const ASSERTION_LIFETIME_SECONDS = 300

/** That a request came through the proxy, and of whom; nothing of the person besides their id. */
export function minimalClaims({
  host,
  session,
  issuerFormat,
  nowSeconds,
  jti,
  idp,
}: Pick<AssertionInput, 'host' | 'session' | 'issuerFormat' | 'nowSeconds' | 'jti' | 'idp'>): MinimalClaims {
  return {
    iss: issuerFormat === 'uri' ? `https://${host}/` : host,
    aud: host,
    jti,
    iat: nowSeconds,
    exp: nowSeconds + ASSERTION_LIFETIME_SECONDS,
    sub: session === 'anonymous' ? '' : session.userId,
    ...(idp !== undefined && { idp }),
  }
}

/** Claims of the assertion; base claims can't be overridden by the provider's. */
export function assertionClaims(input: AssertionInput): AssertionClaims {
  const { groups, isGroupsCut = false, cutClaims = [], groupsClaims } = input
  const session = input.session === 'anonymous' ? undefined : input.session
  const copied = input.jwtClaims.flatMap((name) => {
    const values = valuesOf(session, name)
    return values === undefined || cutClaims.includes(name)
      ? []
      : [[name, joined(values, !TEXTS.has(name) || groupsClaims?.has(name) === true)] as const]
  })
  return {
    ...Object.fromEntries(copied),
    ...minimalClaims(input),
    user: session?.userId ?? '',
    email: session?.email ?? '',
    name: session?.name ?? '',
    sid: session?.id ?? '',
    groups,
    ...(isGroupsCut && { groups_truncated: true }),
    ...(cutClaims.length > 0 && { claims_truncated: cutClaims }),
  }
}

/** Value of a claim header: lists joined by commas, a missing claim is an empty header. */
export function claimHeaderValue(claims: AssertionClaims, name: string): string {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  if (Array.isArray(value)) return joined(value.map(String), true)
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/**
 * Claims that are one text for every provider, and no list. A comma of theirs parts nothing. Of any other
 * claim, many providers send a list of one value as that value, so that one value alone is a list, too.
 *
 * @see OpenID Connect Core section 5.1
 */
const TEXTS: ReadonlySet<string> = new Set([
  'name',
  'given_name',
  'family_name',
  'middle_name',
  'nickname',
  'preferred_username',
  'email',
  'profile',
  'picture',
  'website',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
  'phone_number',
  ...['formatted', 'street_address', 'locality', 'region', 'postal_code', 'country'].flatMap((part) => [
    `address/${part}`,
    `address.${part}`,
  ]),
])

/** One text for several values, such that no value reads as two. */
function joined(values: readonly string[], isList: boolean): string {
  return isList || values.length > 1 ? values.map(listed).join(',') : (values[0] ?? '')
}

/** A comma as `%2C`, and `%25` for the sign of what would read as one of the two. */
const listed = (value: string): string => value.replaceAll(/%(?=2[c5])/gi, '%25').replaceAll(',', '%2C')

function valuesOf(session: AssertionSubject | undefined, name: string): readonly string[] | undefined {
  if (session === undefined || !Object.hasOwn(session.claims, name)) return undefined
  return session.claims[name]
}
