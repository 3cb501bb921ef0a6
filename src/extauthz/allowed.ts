/**
 * An allowed request: what the upstream is told with it, and what it is not told.
 *
 * @module
 */
import { Buffer, isUtf8 } from 'node:buffer'
import { sourceIpOf } from '../access/access.ts'
import { CERTIFICATE_HEADER } from '../access/credentials/client-certificate/forwarded.ts'
import { REFERENCE_HEADER } from '../edge/header-credentials.ts'
import { FACTS_KEY, PERMIT_KEY, type Permit, writeFacts, writePermit } from '../edge/permit.ts'
import { isFresh } from '../upstream/assertions.ts'
import type { Makers } from '../upstream/contributor.ts'
import type { Check } from './check.ts'
import { encodeAllowed, withKept } from './check-response.ts'
import { forgedHeaders } from './forged-headers.ts'
import type { CompiledRoute } from './routes.ts'
import type { AllowedAnswer, Visitor, Visitors } from './visitors.ts'

/**
 * The answer's bytes: those of last time if everything they were made of is the same.
 *
 * What they are made of: the route (its object stands for route and settings of one generation), the host and
 * credentials, a valid client certificate among them (the visitor), and which header they came in, the
 * session in its version, what contributors write with besides (headers that templates refer to, a token that
 * was fetched), and an assertion that is not a minute old; the answer is as old as its assertion, and ends
 * with the first token in it. A request with headers to strip is answered apart.
 */
export function allow(check: Check, makers: Makers, visitors: Visitors): AllowedAnswer {
  const { route, visitor, request, now } = check
  if (route === undefined || visitor === undefined) throw new Error('allowed without a route')
  const session = check.sessions[0]
  const forged = forgedHeaders(request, route)
  if (forged.length > 0) return compose(check, route, visitor, makers, forged)

  const sessionId = session?.id ?? ''
  const sessionVersion = session?.version ?? 0
  const isAuthorizationOurs = isAuthorizationTaken(check)
  const variant = route.contributions.variantOf(check)
  const ready = visitor.answers.get(route)
  if (
    ready !== undefined &&
    ready.sessionId === sessionId &&
    ready.sessionVersion === sessionVersion &&
    ready.isAuthorizationOurs === isAuthorizationOurs &&
    ready.variant === variant &&
    isFresh(ready.madeAt, now) &&
    now < ready.goodUntil
  )
    return ready

  const answer = compose(check, route, visitor, makers, forged)
  visitors.keepAnswer(visitor, route, {
    ...answer,
    sessionId,
    sessionVersion,
    isAuthorizationOurs,
    variant,
  })
  return answer
}

function compose(
  check: Check,
  route: CompiledRoute,
  visitor: Visitor,
  makers: Makers,
  forged: readonly string[],
): AllowedAnswer {
  const composed = route.contributions.compose(check, makers, (name) =>
    referredHeader(check, visitor, forged, name),
  )
  const { headers, removedGroups, identityBytes, madeAt, tokenBytes, goodUntil } = composed
  const { cookies } = visitor
  if (cookies.isChanged && cookies.rest !== undefined && !headers.has('cookie'))
    headers.set(...cookieHeader(cookies.rest))

  const unwanted = [
    ...forged,
    REFERENCE_HEADER,
    ...(route.asksForCertificates ? [CERTIFICATE_HEADER] : []),
    ...(isAuthorizationTaken(check) ? ['authorization'] : []),
    ...(cookies.isChanged ? ['cookie'] : []),
    // What the client sends under such a name is not what the upstream takes it for.
    ...route.contributions.headers,
  ]
  const allowed = encodeAllowed({
    headers: [...headers],
    // Removing comes after setting in Envoy: what is set must not be listed.
    headersToRemove: [...new Set(unwanted)].filter((name) => !headers.has(name)),
  })
  const bytes = route.isSupervised
    ? withKept(allowed, PERMIT_KEY, writePermit(permitOf(check, route, visitor)))
    : allowed
  return { bytes, removedGroups, identityBytes, madeAt, tokenBytes, goodUntil }
}

/** By which a stream is judged again; it depends on nothing but what the answer's bytes depend on. */
function permitOf({ host, request }: Check, { route, policy }: CompiledRoute, visitor: Visitor): Permit {
  const { sessionIds, serviceAccountIds } = visitor
  const certificate = policy.reads.has('client_certificate')
    ? (request.header(CERTIFICATE_HEADER) ?? null)
    : undefined
  return { routeId: route.id, host, sessionIds, serviceAccountIds, certificate }
}

/** The answer with what else the policy has read: it is another with each request. */
export function withFacts(answer: Buffer, check: Check): Buffer {
  const { route, request, isBearerTaken } = check
  if (route?.isSupervised !== true || !(isBearerTaken || route.keepsFacts)) return answer
  const written = writeFacts({
    method: request.method,
    path: check.path,
    clientAddress: sourceIpOf(check),
    headers: Object.fromEntries(
      route.policy.needsHeaders.map((name) => [name, request.header(name) ?? null]),
    ),
    bearer: isBearerTaken ? check.credentials.bearer : undefined,
  })
  return withKept(answer, FACTS_KEY, written)
}

/** Whether the upstream must not see it: it speaks to us. */
function isAuthorizationTaken({ credentials, isBearerTaken }: Check): boolean {
  return credentials.isAuthorizationOurs || isBearerTaken
}

/** A header that a template copies: without what the upstream must not see under another name either. */
function referredHeader(check: Check, visitor: Visitor, forged: readonly string[], name: string): string {
  if (forged.includes(name) || name === REFERENCE_HEADER || name === CERTIFICATE_HEADER) return ''
  if (name === 'authorization' && isAuthorizationTaken(check)) return ''
  if (name === 'cookie') return Buffer.from(visitor.cookies.rest ?? '', 'latin1').toString('utf8')
  return check.request.header(name) ?? ''
}

/**
 * By which a script behind the check sets bytes that no answer of the check can carry; see
 * xds/resources/routes/own-cookies.ts.
 */
const COOKIE_BYTES_HEADER = 'x-pomerium-cookie-bytes'

/**
 * The bytes as they were. protobuf takes UTF-8 only, and Envoy would refuse the whole answer for another
 * byte.
 */
function cookieHeader(rest: string): [name: string, value: Buffer | string] {
  const bytes = Buffer.from(rest, 'latin1')
  return isUtf8(bytes)
    ? ['cookie', bytes]
    : [COOKIE_BYTES_HEADER, rest.replaceAll(/[%\x80-\xff]/g, percentEncoded)]
}

const percentEncoded = (character: string) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`
