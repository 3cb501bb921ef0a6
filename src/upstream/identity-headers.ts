/**
 * The headers that tell an upstream who asks, cut down to what it takes.
 *
 * Servers refuse large headers, each at its own size, and a refusal there looks like a fault of the app. So
 * what does not fit is left out by rule: first all groups but those that the policies of the route name, then
 * these too, then copied claims, the longest first. The assertion says that something was left out.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import type { AccessRoute } from '../access/route.ts'
import type { SigningKeys } from '../crypto/signing-keys.ts'
import { flatClaim } from '../flat-claims.ts'
import { withNested } from '../identity/claims.ts'
import { groupsClaimsIn } from '../identity/groups-claims.ts'
import { certainGroupsOf, type Session } from '../session/session.ts'
import { assertionClaims, claimHeaderValue, minimalClaims } from './assertion.ts'
import { GroupsFilter, withGroupsCut } from './groups-filter.ts'
import { type HeaderEntry, type HeaderSize, headersLimitOf, headerText, limitOf } from './header.ts'
import { templatesOf } from './request-header-template.ts'

export const ASSERTION_HEADER = 'x-pomerium-jwt-assertion'

export interface IdentityHeaders {
  readonly jwt: string
  readonly headers: readonly HeaderEntry[]
  /** How many of the user's groups are not told. */
  readonly removedGroups: number
  readonly size: HeaderSize
  /** What it would be if everything that may be told were told. */
  readonly fullSize: HeaderSize
  readonly limit: HeaderSize
}

export interface Requester {
  readonly host: string
  readonly session: Session | undefined
  readonly nowSeconds: number
}

/** What the upstream of a route is told of who asks, made ready once a generation. */
export class IdentityTerms {
  readonly access: AccessRoute
  readonly identity: 'none' | 'minimal' | 'full'
  readonly issuerFormat: 'hostOnly' | 'uri'
  readonly groupsFilter: GroupsFilter
  readonly mentionedGroups: ReadonlySet<string>
  /** Claims that hold groups, at any identity provider. */
  readonly groupsClaims: ReadonlySet<string>
  /** `identity_headers_limit`; unset: what most apps take. */
  readonly headersLimit: number | undefined
  /** Lower-case header name and the claim that it carries. */
  readonly claimHeaders: readonly (readonly [header: string, claim: string])[]
  /** Claims that are copied into the assertion. */
  readonly jwtClaims: readonly string[]
  /** Lower-case names of headers into which templates put the assertion. */
  readonly jwtCopies: readonly string[]

  constructor(access: AccessRoute) {
    const { route, settings, policy } = access
    this.access = access
    this.identity = identityToldBy(access)
    this.issuerFormat = route.jwt_issuer_format ?? settings.jwt_issuer_format
    this.groupsFilter = new GroupsFilter(route, settings, policy.mentionedGroups)
    this.mentionedGroups = new Set(policy.mentionedGroups)
    this.groupsClaims = groupsClaimsIn(settings)
    // The limit of a Kubernetes API is for the groups in its own headers.
    this.headersLimit =
      route.kubernetes_service_account_token === undefined ? headersLimitOf(access) : undefined
    this.claimHeaders = claimHeadersOf(access)
    this.jwtClaims = [...new Set(this.claimHeaders.map(([, claim]) => claim))]
    this.jwtCopies = templatesOf(route).flatMap(([header, template]) =>
      template.isJwtReferred ? [header] : [],
    )
  }
}

const IDENTITY = { true: 'full', minimal: 'minimal', false: 'none' } as const

/** How much of who asks the upstream is told. */
export function identityToldBy({ route, settings }: AccessRoute): IdentityTerms['identity'] {
  return IDENTITY[`${route.pass_identity_headers ?? settings.pass_identity_headers}`]
}

export function claimHeadersOf({
  settings,
}: AccessRoute): readonly (readonly [header: string, claim: string])[] {
  return Object.entries(settings.jwt_claims_headers).map(([header, claim]) => [header.toLowerCase(), claim])
}

/** nginx, Apache and many others take 8 KiB for a line, Node 16 KiB for all lines, cookies included. */
const DEFAULT_LIMIT: HeaderSize = { together: 12_000, longest: 8000 }

/** What of the person is told. */
interface Draft {
  readonly groups: readonly string[]
  readonly isGroupsCut: boolean
  readonly cutClaims: readonly string[]
}

/** Signs what fits; the last and smallest draft even if it does not. */
export function identityHeaders(
  terms: IdentityTerms,
  requester: Requester,
  keys: SigningKeys,
): IdentityHeaders {
  const limit = limitOf(terms.headersLimit, DEFAULT_LIMIT)
  let fullSize: HeaderSize | undefined
  let made: Omit<IdentityHeaders, 'fullSize' | 'limit'> | undefined
  for (const draft of draftsFor(terms, requester.session)) {
    made = make(terms, requester, draft, keys)
    fullSize ??= made.size
    if (fits(made.size, limit)) break
  }
  if (made === undefined || fullSize === undefined) throw new Error('nothing was drafted')
  return { ...made, fullSize, limit }
}

const fits = (size: HeaderSize, limit: HeaderSize): boolean =>
  size.together <= limit.together && size.longest <= limit.longest

/** From all that may be told to the least; each is made only when the one before was too large. */
function* draftsFor(terms: IdentityTerms, session: Session | undefined): Generator<Draft> {
  const all = terms.groupsFilter.apply(session === undefined ? [] : certainGroupsOf(session))
  yield { groups: all, isGroupsCut: false, cutClaims: [] }
  if (terms.identity === 'minimal') return
  const mentioned = all.filter((group) => terms.mentionedGroups.has(group))
  if (mentioned.length > 0 && mentioned.length < all.length)
    yield { groups: mentioned, isGroupsCut: true, cutClaims: [] }
  const isGroupsCut = all.length > 0
  yield { groups: [], isGroupsCut, cutClaims: [] }
  const longestFirst = terms.jwtClaims
    .map((name) => ({ name, length: flatClaim(session?.claims ?? {}, name)?.join(',').length ?? 0 }))
    .filter(({ length }) => length > 0)
    .toSorted((a, b) => b.length - a.length)
    .map(({ name }) => name)
  for (let count = 1; count <= longestFirst.length; count++)
    yield { groups: [], isGroupsCut, cutClaims: longestFirst.slice(0, count) }
}

function make(
  terms: IdentityTerms,
  { host, session, nowSeconds }: Requester,
  draft: Draft,
  keys: SigningKeys,
): Omit<IdentityHeaders, 'fullSize' | 'limit'> {
  const { access, identity, issuerFormat, jwtClaims } = terms
  const base = {
    host,
    session: session ?? 'anonymous',
    issuerFormat,
    nowSeconds,
    jti: randomUUID(),
    idp: session && access.providerToTell(session),
  } as const
  const total = session === undefined ? 0 : certainGroupsOf(session).length
  if (identity === 'minimal') {
    const jwt = keys.sign(minimalClaims(base))
    const headers: HeaderEntry[] = [[ASSERTION_HEADER, jwt]]
    return { jwt, headers, removedGroups: total, size: sizeOf(headers) }
  }
  const claims = assertionClaims({
    ...base,
    session: session === undefined ? 'anonymous' : { ...session, claims: claimsFor(terms, session, draft) },
    jwtClaims,
    groupsClaims: terms.groupsClaims,
    ...draft,
  })
  const jwt = keys.sign(claims)
  const headers: HeaderEntry[] =
    identity === 'none'
      ? []
      : [
          ...terms.claimHeaders.map(
            ([header, claim]): HeaderEntry => [header, headerText(claimHeaderValue(claims, claim))],
          ),
          [ASSERTION_HEADER, jwt],
        ]
  // Wherever else a template puts it, it takes its place again.
  const copies = terms.jwtCopies.map((header): HeaderEntry => [header, jwt])
  return { jwt, headers, removedGroups: total - draft.groups.length, size: sizeOf([...headers, ...copies]) }
}

function claimsFor(
  { groupsFilter, groupsClaims, jwtClaims }: IdentityTerms,
  { claims }: Session,
  { groups, isGroupsCut }: Draft,
): Session['claims'] {
  const cut = withGroupsCut(claims, groupsClaims, (held) => {
    const kept = groupsFilter.apply(held)
    return isGroupsCut ? kept.filter((group) => groups.includes(group)) : kept
  })
  return withNested(cut, jwtClaims)
}

/** As lines of HTTP/1.1: name, colon, space, value and line break. */
export function sizeOf(headers: readonly HeaderEntry[]): HeaderSize {
  const lines = headers.map(([name, value]) => name.length + 4 + Buffer.byteLength(value))
  return { together: lines.reduce((sum, length) => sum + length, 0), longest: Math.max(0, ...lines) }
}
