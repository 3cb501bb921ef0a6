/**
 * Why a token is not accepted, in words that its sender may read: they hold nothing of the token.
 *
 * @module
 */
import { errors } from 'jose'
import { Fault, reasonOf } from '../errors.ts'
import { HttpFailure } from '../outbound/http-client.ts'
import type { TokenProblem } from './provider.ts'

export const problem = (words: string): TokenProblem => ({ problem: words })

const WRONG_SIGNATURE = problem('its signature is not by a key of its issuer')
export const MALFORMED = problem('it is not a well-formed JWT')

/**
 * What jose found wrong with a token. What is no fault of the token's is thrown.
 *
 * @throws {Fault} IDP_UNREACHABLE when the keys of the issuer can't be had, IDP_ANSWER_INVALID when they are
 * none
 */
export function problemOf(error: unknown, issuer: string): TokenProblem {
  if (error instanceof HttpFailure) throw new Fault('IDP_UNREACHABLE', `${issuer}: ${error.message}`)
  if (error instanceof errors.JWKSInvalid)
    throw new Fault('IDP_ANSWER_INVALID', `${issuer}: ${error.message}`)
  if (error instanceof errors.JWTExpired) return problem('it has expired')
  if (error instanceof errors.JWTClaimValidationFailed) return claimProblem(error)
  if (error instanceof errors.JOSEAlgNotAllowed)
    return problem('it is signed by an algorithm that is not accepted')
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  )
    return WRONG_SIGNATURE
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid || isUnknownExtension(error))
    return MALFORMED
  // A key of the set that can't be used, for one: that is not for the sender to mend.
  throw new Fault('IDP_ANSWER_INVALID', `${issuer}: its keys can not be used: ${reasonOf(error)}`)
}

/** The header of the token calls something critical that nobody knows. */
function isUnknownExtension(error: unknown): boolean {
  return error instanceof errors.JOSENotSupported && error.message.startsWith('Extension Header')
}

function claimProblem({ claim, reason }: errors.JWTClaimValidationFailed): TokenProblem {
  if (reason === 'missing') return problem(`it has no claim "${claim}"`)
  if (claim === 'aud') return problem('it is meant for another audience (aud)')
  if (claim === 'nbf') return problem('it is not valid yet (nbf)')
  if (claim === 'iat' && reason !== 'invalid') return problem('it was issued in the future (iat)')
  return problem(`its claim "${claim}" is not what it must be`)
}
