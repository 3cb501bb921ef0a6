/**
 * A token of an OpenID provider that a client brings along, having got it elsewhere: whether it is genuine,
 * and for whom it is.
 *
 * @module
 */

import { decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import type { RawClaims } from '../../flat-claims.ts'
import { claimsOver } from '../claims.ts'
import type { TokenProblem } from '../provider.ts'
import { MALFORMED, problem, problemOf } from '../token-problem.ts'
import type { DiscoveredProvider } from './discovery.ts'
import { ID_TOKEN_ALGORITHMS } from './id-token.ts'
import { LONG_AGO, timeOf } from './sign-in-facts.ts'
import { askUserInfo } from './user-info.ts'

export interface PresentedClaims {
  readonly claims: RawClaims & { readonly sub: string }
  /** Of them those that the token's own signature vouches for; none of an opaque token. */
  readonly signed: RawClaims
  /** For whom it was issued; `undefined` when the token does not say so verifiably. */
  readonly audiences: readonly string[] | undefined
  /** Epoch milliseconds; `undefined` when the token does not say. */
  readonly expiresAt: number | undefined
}

export interface PresentedOptions {
  readonly provider: DiscoveredProvider
  readonly clientId: string
  readonly now: () => number
}

const TOLERANCE_SECONDS = 60

/**
 * What an ID token may be called. Other kinds of JWT have names of their own: `at+jwt`, `logout+jwt`,
 * `dpop+jwt` …
 */
const TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'application/jwt'])

/**
 * An ID token, held to what a relying party must hold it to, but for the nonce: that was between others.
 *
 * @throws {Fault} IDP_UNREACHABLE, IDP_ANSWER_INVALID
 * @see OpenID Connect Core section 3.1.3.7
 */
export async function claimsOfIdToken(
  token: string,
  { provider, clientId, now }: PresentedOptions,
): Promise<PresentedClaims | TokenProblem> {
  const type = headerOf(token)?.typ
  if (!TYPES.has(typeof type === 'string' ? type.toLowerCase() : type)) return problem('it is no ID token')
  const verified = await verify(token, provider, now, clientId)
  if ('problem' in verified) return verified
  const { aud, azp, iat, events } = verified.claims
  if (events !== undefined) return problem('it is no ID token')
  if (typeof iat !== 'number') return problem('it has no claim "iat"')
  // Such an age would be none, and one that counts from when the token came.
  if (timeOf(iat, now()) === LONG_AGO) return problem('its claim "iat" is no time')
  if (Array.isArray(aud) && aud.length > 1 && azp !== clientId)
    return problem('it is meant for another client (azp)')
  return verified
}

/**
 * An access token, by what the provider's userinfo says to it. Where it is a signed JWT besides, its audience
 * is known.
 *
 * @throws {Fault} IDP_REFUSED when the provider does not accept it; what askUserInfo throws
 */
export async function claimsOfAccessToken(
  token: string,
  { provider, clientId, now }: PresentedOptions,
): Promise<PresentedClaims | TokenProblem> {
  const jwt = headerOf(token) === undefined ? undefined : await verify(token, provider, now)
  // The provider need not be asked what the token itself says.
  if (jwt !== undefined && 'problem' in jwt && jwt.problem === EXPIRED) return jwt
  // Whose token it is, is what we want to know: there is no subject to compare it with.
  const claims = await askUserInfo({ provider, clientId, accessToken: token, now })
  const known = jwt === undefined || 'problem' in jwt ? undefined : jwt
  // A JWT about somebody else than userinfo is about says nothing of this person's sign-in.
  const signed = known?.claims.sub === claims.sub ? known.signed : {}
  return { claims, signed, audiences: known?.audiences, expiresAt: known?.expiresAt }
}

const EXPIRED = 'it has expired'

/**
 * An access token of Entra ID for an API of ours: a JWT of either version, signed with the keys of the
 * tenant. Userinfo is at Graph, and is asked only with a token that may be used there.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
export async function claimsOfEntraToken(
  token: string,
  { provider, clientId, now }: PresentedOptions,
): Promise<PresentedClaims | TokenProblem> {
  const verified = await verify(token, provider, now)
  if ('problem' in verified) return verified
  const { scp } = verified.claims
  const mayAsk = typeof scp === 'string' && scp.split(' ').includes('openid')
  if (!mayAsk) return verified
  const userInfo = await askUserInfo({ provider, clientId, accessToken: token, now })
  return { ...verified, claims: { ...claimsOver(userInfo, verified.claims), sub: verified.claims.sub } }
}

async function verify(
  token: string,
  { configuration, jwks }: DiscoveredProvider,
  now: () => number,
  audience?: string,
): Promise<PresentedClaims | TokenProblem> {
  const { issuer } = configuration.serverMetadata()
  const claimed = claimsOf(token)
  if (claimed === undefined) return MALFORMED
  if (!issuersFor(issuer, claimed).includes(claimed.iss ?? ''))
    return problem('its issuer (iss) is not the identity provider of this route')
  try {
    const { payload } = await jwtVerify(token, jwks, {
      algorithms: ID_TOKEN_ALGORITHMS,
      requiredClaims: ['sub', 'exp', 'aud'],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: new Date(now()),
      ...(audience !== undefined && { audience }),
    })
    const { sub, exp = 0, iat, aud } = payload
    if (typeof sub !== 'string' || sub === '') return problem('it has no claim "sub"')
    if (typeof iat === 'number' && iat > now() / 1000 + TOLERANCE_SECONDS)
      return problem('it was issued in the future (iat)')
    const audiences = [aud ?? []].flat().filter((one) => typeof one === 'string')
    const claims = { ...payload, sub }
    return { claims, signed: claims, audiences, expiresAt: Math.floor((exp + TOLERANCE_SECONDS) * 1000) }
  } catch (error) {
    return problemOf(error, issuer)
  }
}

/**
 * What the issuer of a token may be called. Entra ID signs tokens of its older form under another name, and
 * an address for many tenants is a template.
 */
function issuersFor(issuer: string, { tid }: JWTPayload): readonly string[] {
  const tenant = typeof tid === 'string' && /^[\w.-]+$/.test(tid) ? tid : undefined
  const own = tenant === undefined ? issuer : issuer.replace('{tenantid}', tenant)
  const ofTenant = /^https:\/\/login\.microsoftonline\.com\/([^/]+)\/v2\.0$/.exec(own)?.[1]
  return ofTenant === undefined ? [own] : [own, `https://sts.windows.net/${ofTenant}/`]
}

function headerOf(token: string) {
  try {
    return decodeProtectedHeader(token)
  } catch {
    return undefined
  }
}

function claimsOf(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token)
  } catch {
    return undefined
  }
}
