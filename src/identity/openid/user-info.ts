/**
 * What the UserInfo endpoint says to an access token: JSON, or a JWT that the provider has signed.
 *
 * @module
 * @see OpenID Connect Core section 5.3
 */
import { jwtVerify } from 'jose'
import { fetchProtectedResource } from 'openid-client'
import { Fault } from '../../errors.ts'
import type { RawClaims } from '../../flat-claims.ts'
import type { DiscoveredProvider } from './discovery.ts'
import { ID_TOKEN_ALGORITHMS } from './id-token.ts'

export interface UserInfoRequest {
  readonly provider: DiscoveredProvider
  readonly clientId: string
  readonly accessToken: string
  readonly now: () => number
}

export type UserInfo = RawClaims & { readonly sub: string }

/** Whether there is anything to ask. */
export function hasUserInfo({ configuration }: DiscoveredProvider): boolean {
  return configuration.serverMetadata().userinfo_endpoint !== undefined
}

/** @throws what `toProviderFault` makes a fault of */
export async function askUserInfo(request: UserInfoRequest): Promise<UserInfo> {
  const { provider, accessToken } = request
  const { issuer, userinfo_endpoint: endpoint } = provider.configuration.serverMetadata()
  if (endpoint === undefined)
    throw new Fault('IDP_ANSWER_INVALID', `${issuer}, userinfo: its metadata names no such endpoint`)
  const headers = new Headers({ accept: 'application/json, application/jwt' })
  const answer = await fetchProtectedResource(
    provider.configuration,
    accessToken,
    new URL(endpoint),
    'GET',
    null,
    headers,
  )
  if (answer.status !== 200) throw new Error('userinfo', { cause: answer })
  const claims = isJwt(answer) ? await verified(await answer.text(), request) : await parsed(answer, issuer)
  const sub = claims['sub']
  if (typeof sub !== 'string' || sub === '')
    throw new Fault('IDP_ANSWER_INVALID', `${issuer}, userinfo: its answer names no subject (sub)`)
  return { ...claims, sub }
}

function isJwt({ headers }: Response): boolean {
  return headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() === 'application/jwt'
}

/** By the same keys and algorithms as an ID token, whatever the metadata say of them: many leave that out. */
async function verified(jwt: string, { provider, clientId, now }: UserInfoRequest): Promise<RawClaims> {
  const { issuer } = provider.configuration.serverMetadata()
  const { payload } = await jwtVerify(jwt, provider.jwks, {
    algorithms: ID_TOKEN_ALGORITHMS,
    clockTolerance: 60,
    currentDate: new Date(now()),
  })
  const { iss, aud } = payload
  if (iss !== undefined && iss !== issuer)
    throw new Fault('IDP_ANSWER_INVALID', `${issuer}, userinfo: it is signed for ${iss.slice(0, 200)}`)
  if (aud !== undefined && ![aud].flat().includes(clientId))
    throw new Fault('IDP_ANSWER_INVALID', `${issuer}, userinfo: it is signed for another client`)
  return payload
}

async function parsed(answer: Response, issuer: string): Promise<RawClaims> {
  const body: unknown = await answer.json().catch(() => undefined)
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body }
  throw new Fault('IDP_ANSWER_INVALID', `${issuer}, userinfo: its answer is no JSON object`)
}
