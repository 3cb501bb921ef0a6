/**
 * The headers that tell an upstream who asks, cut down to what it takes.
 *
 * Servers refuse large headers, each at its own size, and a refusal there looks like a fault of the app. So what does
 * not fit is left out by rule: first all groups but those that the policies of the route name, then these too, then
 * copied claims, the longest first. The assertion says that something was left out.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import type { SigningKeys } from '../crypto/signing-keys.ts'
import { flatClaim } from '../flat-claims.ts'
import { withNested } from '../identity/claims.ts'
import { certainGroupsOf, type Session } from '../session/session.ts'
import { assertionClaims, claimHeaderValue, minimalClaims } from './assertion.ts'
import { withGroupsCut } from './groups-filter.ts'
import { type HeaderEntry, type HeaderSize, headerText, limitOf } from './header.ts'
import type { UpstreamRoute } from './route.ts'

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
  route: UpstreamRoute,
  requester: Requester,
  keys: SigningKeys,
): IdentityHeaders {
  // The limit of a Kubernetes API is for the groups in its own headers.
  const limit = limitOf(route.impersonation === undefined ? route.headersLimit : undefined, DEFAULT_LIMIT)
  let fullSize: HeaderSize | undefined
  let made: Omit<IdentityHeaders, 'fullSize' | 'limit'> | undefined
  for (const draft of draftsFor(route, requester.session)) {
    made = make(route, requester, draft, keys)
    fullSize ??= made.size
    if (fits(made.size, limit)) break
  }
  if (made === undefined || fullSize === undefined) throw new Error('nothing was drafted')
  return { ...made, fullSize, limit }
}

const fits = (size: HeaderSize, limit: HeaderSize): boolean =>
  size.together <= limit.together && size.longest <= limit.longest

/** From all that may be told to the least; each is made only when the one before was too large. */
function* draftsFor(route: UpstreamRoute, session: Session | undefined): Generator<Draft> {
  const all = route.groupsFilter.apply(session === undefined ? [] : certainGroupsOf(session))
  yield { groups: all, isGroupsCut: false, cutClaims: [] }
  if (route.identity === 'minimal') return
  const mentioned = all.filter((group) => route.mentionedGroups.has(group))
  if (mentioned.length > 0 && mentioned.length < all.length)
    yield { groups: mentioned, isGroupsCut: true, cutClaims: [] }
  const isGroupsCut = all.length > 0
  yield { groups: [], isGroupsCut, cutClaims: [] }
  const longestFirst = route.jwtClaims
    .map((name) => ({ name, length: flatClaim(session?.claims ?? {}, name)?.join(',').length ?? 0 }))
    .filter(({ length }) => length > 0)
    .toSorted((a, b) => b.length - a.length)
    .map(({ name }) => name)
  for (let count = 1; count <= longestFirst.length; count++)
    yield { groups: [], isGroupsCut, cutClaims: longestFirst.slice(0, count) }
}

function make(
  route: UpstreamRoute,
  { host, session, nowSeconds }: Requester,
  draft: Draft,
  keys: SigningKeys,
): Omit<IdentityHeaders, 'fullSize' | 'limit'> {
  const { identity, issuerFormat, jwtClaims } = route
  const base = {
    host,
    session: session ?? 'anonymous',
    issuerFormat,
    nowSeconds,
    jti: randomUUID(),
    idp: session && route.providerToTell(session),
  } as const
  const total = session === undefined ? 0 : certainGroupsOf(session).length
  if (identity === 'minimal') {
    const jwt = keys.sign(minimalClaims(base))
    const headers: HeaderEntry[] = [[ASSERTION_HEADER, jwt]]
    return { jwt, headers, removedGroups: total, size: sizeOf(headers) }
  }
  const claims = assertionClaims({
    ...base,
    session: session === undefined ? 'anonymous' : { ...session, claims: claimsFor(route, session, draft) },
    jwtClaims,
    groupsClaims: route.groupsClaims,
    ...draft,
  })
  const jwt = keys.sign(claims)
  const headers: HeaderEntry[] =
    identity === 'none'
      ? []
      : [
          ...route.claimHeaders.map(
            ([header, claim]): HeaderEntry => [header, headerText(claimHeaderValue(claims, claim))],
          ),
          [ASSERTION_HEADER, jwt],
        ]
  // Wherever else a template puts it, it takes its place again.
  const copies = route.requestHeaders
    .filter(([, template]) => template.isJwtReferred)
    .map(([header]): HeaderEntry => [header, jwt])
  return { jwt, headers, removedGroups: total - draft.groups.length, size: sizeOf([...headers, ...copies]) }
}

function claimsFor(
  { groupsFilter, groupsClaims, jwtClaims }: UpstreamRoute,
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
