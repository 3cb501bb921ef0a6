/**
 * What went wrong between us and the provider, as a fault that tells who can mend it.
 *
 * @module
 */
import { errors as jose } from 'jose'
import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { Fault } from '../../errors.ts'
import { HttpFailure } from '../../outbound/http-client.ts'

export type Step = 'discovery' | 'sign-in' | 'refresh' | 'userinfo' | 'token'

/** OAuth errors by which a provider says "not now". */
const NOT_NOW = new Set(['temporarily_unavailable', 'server_error', 'slow_down'])
/** OAuth errors that are about our client, not about the person. */
const ABOUT_CLIENT = new Set([
  'invalid_client',
  'unauthorized_client',
  'invalid_scope',
  'unsupported_grant_type',
])
const TOO_MANY_REQUESTS = 429

/** Faults and bugs pass through as they are. */
export function toProviderFault(error: unknown, step: Step, issuer: string, now: number): unknown {
  if (error instanceof Fault) return error
  const chain = causesOf(error)
  const failure = chain.find((link) => link instanceof HttpFailure)
  if (failure !== undefined) return fault('IDP_UNREACHABLE', failure.message)
  if (chain.some((link) => link instanceof jose.JWKSTimeout))
    return fault('IDP_UNREACHABLE', 'its keys can not be had')
  const skewed = chain.map((link) => clockFault(link, now)).find((found) => found !== undefined)
  if (skewed !== undefined) return skewed
  if (error instanceof AuthorizationResponseError)
    return fromOAuthError(error.error, 302, error.error_description)
  if (error instanceof ResponseBodyError)
    return fromOAuthError(error.error, error.status, error.error_description)
  if (error instanceof WWWAuthenticateChallengeError) return fromStatus(error.status)
  const response = chain.find((link) => link instanceof Response)
  if (response?.status === 200) return fault('IDP_ANSWER_INVALID', otherThanJson(response, step))
  if (response !== undefined) return fromStatus(response.status)
  if (error instanceof ClientError || error instanceof jose.JOSEError) {
    const found = chain.map(issuerFound).find((one) => one !== undefined)
    if (found !== undefined) return issuerDiffers(step, issuer, found)
    const otherIss = chain.map(issFound).find((one) => one !== undefined)
    if (otherIss !== undefined) return fault('IDP_ANSWER_INVALID', otherIss, otherIss)
    const detail = chain.map((link) => (link instanceof Error ? link.message : '')).filter(Boolean)
    return fault('IDP_ANSWER_INVALID', detail.join(': '))
  }
  return error

  function fault(
    code: 'IDP_UNREACHABLE' | 'IDP_REFUSED' | 'IDP_ANSWER_INVALID' | 'IDP_NOT_CONFIGURED',
    why: string,
    publicDetail?: string,
  ) {
    // Without its cause: that may hold tokens, and some loggers print causes.
    return new Fault(code, `${issuer}, ${step}: ${why}`, publicDetail === undefined ? {} : { publicDetail })
  }

  function fromStatus(status: number): Fault {
    if (status >= 500 || status === TOO_MANY_REQUESTS)
      return fault('IDP_UNREACHABLE', `it answered ${status}`)
    if (step === 'userinfo' && (status === 401 || status === 403))
      return fault('IDP_REFUSED', `it answered ${status} to a token of its own`)
    // It may be that no such token exists, or that it is none at all.
    if (step === 'token' && (status === 400 || status === 401 || status === 403))
      return fault('IDP_REFUSED', `it answered ${status} to a token that a client brought`)
    if (status === 401) return fault('IDP_NOT_CONFIGURED', 'it refuses our client id or secret')
    return fault('IDP_ANSWER_INVALID', `it answered ${status}`)
  }

  function fromOAuthError(code: string, status: number, description = ''): Fault {
    // The description may come from anybody who can type a URL: a few words of it, for the log.
    const words = `it answered ${code.slice(0, 60)} ${description.slice(0, 200)}`.trim()
    if (NOT_NOW.has(code) || status >= 500 || status === TOO_MANY_REQUESTS)
      return fault('IDP_UNREACHABLE', words)
    if (ABOUT_CLIENT.has(code))
      return fault('IDP_NOT_CONFIGURED', `${words}: check client id, secret and scopes`)
    return fault('IDP_REFUSED', words)
  }
}

/** Farther apart than this is not a clock that is off, but a token that is not meant for now. */
const PLAUSIBLE_SKEW_SECONDS = 86_400
const TOLERANCE_SECONDS = 60

/**
 * A fault when a token that the provider has made just now bears another time than ours.
 *
 * @param issuedAt `iat`, seconds
 * @param now epoch milliseconds
 */
export function clockSkewFault(issuedAt: unknown, now: number): Fault | undefined {
  if (typeof issuedAt !== 'number') return undefined
  const ahead = issuedAt - now / 1000
  if (Math.abs(ahead) <= TOLERANCE_SECONDS || Math.abs(ahead) > PLAUSIBLE_SKEW_SECONDS) return undefined
  const [theirs, ours] = [new Date(issuedAt * 1000).toISOString(), new Date(now).toISOString()]
  const how = `${Math.round(Math.abs(ahead))} s ${ahead > 0 ? 'behind' : 'ahead of'}`
  return new Fault(
    'CLOCK_SKEW',
    `our clock (${ours}) is ${how} the identity provider's (${theirs}): synchronise both by NTP`,
  )
}

function clockFault(link: unknown, now: number): Fault | undefined {
  // openid-client hangs the claims on the cause of a failed time check.
  if (typeof link !== 'object' || link === null || !('claims' in link) || !('tolerance' in link))
    return undefined
  const { claims } = link
  return typeof claims === 'object' && claims !== null && 'iat' in claims
    ? clockSkewFault(claims.iat, now)
    : undefined
}

/** Often it is a page for people: the address is that of something else. */
function otherThanJson({ headers }: Response, step: Step): string {
  const type = headers.get('content-type')?.split(';')[0]?.trim().slice(0, 60)
  const what = step === 'discovery' ? 'a discovery document' : 'JSON'
  return type === undefined || type === ''
    ? `it did not answer with ${what}`
    : `it answered with ${type}, not ${what}`
}

/** The issuer must be the same to the letter (OpenID Connect Discovery section 4.3). */
function issuerDiffers(step: Step, expected: string, found: string): Fault {
  const how = withoutSlash(expected) === withoutSlash(found) ? ' They differ in the slash at the end.' : ''
  const publicDetail = `Expected issuer: ${expected} (idp_provider_url). Found: ${found}.${how}`
  return new Fault(
    'IDP_ISSUER_DIFFERS',
    `${expected}, ${step}: ${publicDetail} Write idp_provider_url as ${found}`,
    {
      publicDetail,
    },
  )
}

const withoutSlash = (url: string) => url.replace(/\/+$/, '')

/** Both issuers, when a token bears another than the metadata. */
function issFound(link: unknown): string | undefined {
  if (typeof link !== 'object' || link === null || !('claim' in link) || link.claim !== 'iss')
    return undefined
  if (!('expected' in link) || !('claims' in link)) return undefined
  const { expected, claims } = link
  if (typeof claims !== 'object' || claims === null || !('iss' in claims)) return undefined
  return `the token's issuer (iss) should be ${String(expected)}, and is ${String(claims.iss).slice(0, 200)}`
}

/** The issuer that metadata names, when it was refused for not being the one that was asked. */
function issuerFound(link: unknown): string | undefined {
  if (typeof link !== 'object' || link === null || !('attribute' in link) || !('body' in link))
    return undefined
  const { attribute, body } = link
  if (attribute !== 'issuer' || typeof body !== 'object' || body === null || !('issuer' in body))
    return undefined
  return String(body.issuer).slice(0, 200)
}

function causesOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = []
  for (let link = error; link !== undefined && link !== null && chain.length < 8; ) {
    chain.push(link)
    link = link instanceof Error ? link.cause : undefined
  }
  return chain
}
