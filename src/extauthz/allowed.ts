/**
 * An allowed request: what the upstream is told with it, and what it is not told.
 *
 * @module
 */
import { Buffer, isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { CERTIFICATE_HEADER } from '../access/credentials/client-certificate/forwarded.ts'
import { SERVERLESS_HEADER } from '../config/keys/upstream/google-serverless.ts'
import type { Session } from '../session/session.ts'
import type { Assertions } from '../upstream/assertions.ts'
import { isFresh } from '../upstream/assertions.ts'
import { headerText } from '../upstream/header.ts'
import { groupCountOf, type HeaderBudget } from '../upstream/header-budget.ts'
import { goodToken, tokenHeader, tokensEndAt } from '../upstream/idp-tokens.ts'
import type { ImpersonationHeaders } from '../upstream/impersonation.ts'
import type { TemplateValues } from '../upstream/request-header-template.ts'
import type { Check } from './check.ts'
import { encodeAllowed } from './check-response.ts'
import { REFERENCE_HEADER } from './credentials.ts'
import { forgedHeaders } from './forged-headers.ts'
import type { CompiledRoute } from './routes.ts'
import type { AllowedAnswer, Visitor, Visitors } from './visitors.ts'

const ROUTING_KEY_HEADER = 'x-pomerium-routing-key'

/** Who makes what upstreams are told. */
export interface Makers {
  readonly assertions: Assertions
  readonly budget: HeaderBudget
}

/**
 * The answer's bytes: those of last time if everything they were made of is the same.
 *
 * What they are made of: the route (its object stands for route and settings of one generation), the host and
 * credentials, a valid client certificate among them (the visitor), and which header they came in, the session in its
 * version, the headers that templates refer to, and an assertion that is not a minute old; the answer is as old as its assertion, and ends with the first token in it. A request with
 * headers to strip is answered apart.
 */
export function allow(check: Check, makers: Makers, visitors: Visitors): AllowedAnswer {
  const { route, visitor, request, now } = check
  if (route === undefined || visitor === undefined) throw new Error('allowed without a route')
  const session = check.sessions[0]
  const forged = forgedHeaders(request, route)
  if (forged.length > 0) return compose(check, route, visitor, session, makers, forged)

  const sessionId = session?.id ?? ''
  const sessionVersion = session?.version ?? 0
  const isAuthorizationOurs = isAuthorizationTaken(check)
  const references = route.references.map((name) => request.header(name) ?? '').join('\n')
  const ready = visitor.answers.get(route)
  if (
    ready !== undefined &&
    ready.sessionId === sessionId &&
    ready.sessionVersion === sessionVersion &&
    ready.isAuthorizationOurs === isAuthorizationOurs &&
    ready.references === references &&
    isFresh(ready.madeAt, now) &&
    now < ready.goodUntil
  )
    return ready

  const answer = compose(check, route, visitor, session, makers, forged)
  visitors.keepAnswer(visitor, route, {
    ...answer,
    sessionId,
    sessionVersion,
    isAuthorizationOurs,
    references,
  })
  return answer
}

function mintsAssertion(route: CompiledRoute): boolean {
  return route.identity !== 'none' || route.requestHeaders.some(([, { isJwtReferred }]) => isJwtReferred)
}

/** @throws {Error} for a request that would reach a Kubernetes API in nobody's name: a bug of the pipeline */
function impersonationFor(
  { impersonation }: CompiledRoute,
  session: Session | undefined,
): ImpersonationHeaders | undefined {
  if (impersonation === undefined) return undefined
  if (session === undefined) throw new Error('a Kubernetes API would be asked in nobody’s name')
  return impersonation.headersFor(session)
}

/** @throws {Error} for a request that would go out without it: a bug of the pipeline */
function platformHeader({ platformToken }: Check): string {
  if (platformToken === undefined) throw new Error('the platform of the upstream would get no token')
  return headerText(`Bearer ${platformToken.value}`)
}

function compose(
  check: Check,
  route: CompiledRoute,
  visitor: Visitor,
  session: Session | undefined,
  { assertions, budget }: Makers,
  forged: readonly string[],
): AllowedAnswer {
  const headers = new Map<string, string | Buffer>()
  const assertion = mintsAssertion(route) ? assertions.for(route, check.host, session, check.now) : undefined
  for (const [header, value] of assertion?.headers ?? []) headers.set(header, value)
  if (route.needsRoutingKey && session !== undefined)
    headers.set(ROUTING_KEY_HEADER, createHash('sha256').update(session.id).digest('hex'))

  const values: TemplateValues = {
    accessToken: () => goodToken(session, 'access_token', check.now) ?? '',
    idToken: () => goodToken(session, 'id_token', check.now) ?? '',
    assertionJwt: () => assertion?.jwt ?? '',
    certificate: () =>
      check.certificate?.presented === true && check.certificate.validity === 'valid'
        ? check.certificate
        : undefined,
    requestHeader: (name) => referredHeader(check, visitor, forged, name),
  }
  const lacking: string[] = []
  let tokenBytes = 0
  for (const [header, template] of route.requestHeaders) {
    const isWhole = template.idpTokens.every((name) => goodToken(session, name, check.now) !== undefined)
    const value = isWhole ? headerText(template.render(values)) : undefined
    if (value === undefined) lacking.push(header)
    else headers.set(header, value)
    if (value !== undefined && template.idpTokens.length > 0) tokenBytes = Math.max(tokenBytes, value.length)
  }
  const tokenTarget = route.tokenUse?.header
  if (tokenTarget !== undefined) {
    const value = tokenHeader(tokenTarget, check)
    if (value === undefined) lacking.push(tokenTarget.name)
    else headers.set(tokenTarget.name, value)
    tokenBytes = Math.max(tokenBytes, value?.length ?? 0)
  }
  const impersonated = impersonationFor(route, session)
  for (const [header, value] of impersonated?.headers ?? []) headers.set(header, value)
  if (impersonated !== undefined) budget.note(route, impersonated, groupCountOf(session))

  if (route.platform !== undefined) headers.set(route.platform.header, platformHeader(check))

  const { cookies } = visitor
  if (cookies.isChanged && cookies.rest !== undefined && !headers.has('cookie'))
    headers.set(...cookieHeader(cookies.rest))

  const unwanted = [
    ...forged,
    REFERENCE_HEADER,
    ...(route.asksForCertificates ? [CERTIFICATE_HEADER] : []),
    ...(isAuthorizationTaken(check) ? ['authorization'] : []),
    ...(cookies.isChanged ? ['cookie'] : []),
    // Google would believe it before the header that is set.
    ...(route.platform === undefined ? [] : [SERVERLESS_HEADER]),
    // What the client sends under such a name is not what the upstream takes it for.
    ...lacking,
    ...route.claimHeaders.map(([header]) => header),
  ]
  const bytes = encodeAllowed({
    headers: [...headers],
    // Removing comes after setting in Envoy: what is set must not be listed.
    headersToRemove: [...new Set(unwanted)].filter((name) => !headers.has(name)),
  })
  return {
    bytes,
    removedGroups: Math.max(assertion?.removedGroups ?? 0, impersonated?.removedGroups ?? 0),
    identityBytes: (assertion?.size.together ?? 0) + (impersonated?.size.together ?? 0),
    madeAt: assertion?.mintedAt ?? check.now,
    tokenBytes,
    goodUntil: Math.min(
      route.tokenUse === undefined ? Infinity : tokensEndAt(route.tokenUse, session),
      check.platformToken?.expiresAt ?? Infinity,
    ),
  }
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

/** By which a script behind the check sets bytes that no answer of the check can carry; see xds/resources/routes/own-cookies.ts. */
const COOKIE_BYTES_HEADER = 'x-pomerium-cookie-bytes'

/** The bytes as they were. protobuf takes UTF-8 only, and Envoy would refuse the whole answer for another byte. */
function cookieHeader(rest: string): [name: string, value: Buffer | string] {
  const bytes = Buffer.from(rest, 'latin1')
  return isUtf8(bytes)
    ? ['cookie', bytes]
    : [COOKIE_BYTES_HEADER, rest.replaceAll(/[%\x80-\xff]/g, percentEncoded)]
}

const percentEncoded = (character: string) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`
