/**
 * What a token endpoint gives, as the session keeps it.
 *
 * @module
 */
import { decodeJwt } from 'jose'
import { Fault } from '../../errors.ts'
import type { RawClaims } from '../../flat-claims.ts'
import type { IdentityTokens } from '../provider.ts'
import { clockSkewFault } from './provider-faults.ts'

interface TokenAnswer {
  readonly access_token: string
  readonly expires_in?: number | undefined
  readonly refresh_token?: string | undefined
  readonly id_token?: string | undefined
}

/** @param refreshEveryMs for a provider that does not want to be asked as often as its tokens end */
export function tokensOf(
  answer: TokenAnswer,
  idTokenExp: number | undefined,
  now: number,
  refreshEveryMs: number | undefined,
): IdentityTokens {
  const {
    access_token: accessToken,
    expires_in: expiresIn,
    refresh_token: refreshToken,
    id_token: idToken,
  } = answer
  if (refreshEveryMs !== undefined)
    return {
      accessToken,
      accessTokenExpiresAt: now + refreshEveryMs,
      refreshToken,
      idToken,
      idTokenExpiresAt: undefined,
    }
  return {
    accessToken,
    accessTokenExpiresAt: expiresIn === undefined ? undefined : now + Math.floor(expiresIn * 1000),
    refreshToken,
    idToken,
    idTokenExpiresAt: idTokenExp === undefined ? undefined : Math.floor(idTokenExp * 1000),
  }
}

/** Of an ID token that was verified when it came. */
export function claimsOf(idToken: string | undefined): RawClaims {
  return idToken === undefined ? {} : decodeJwt(idToken)
}

/** openid-client checks the end of an ID token, but lets one pass that is issued in the future. */
export function assertIssuedNow(issuedAt: number, now: number): void {
  const skew = clockSkewFault(issuedAt, now)
  if (skew !== undefined) throw skew
  if (issuedAt * 1000 > now + 60_000)
    throw new Fault('IDP_ANSWER_INVALID', 'the ID token is issued in the far future')
}
