/**
 * What a token endpoint is asked for an upstream's token, and what its answer is worth. Pure.
 *
 * An answer is believed only as far as it can be used: a token that ends, that a header can hold, and that is
 * for whom it was asked. What went wrong is told in words that hold no token and no secret.
 *
 * @see RFC 8693, RFC 7523, RFC 6749 section 4.4
 * @module
 */
import { decodeJwt } from 'jose'
import { isForUser, type UpstreamTokenTerms } from '../../config/keys/upstream/upstream-token.ts'
import { memberOf } from '../../outbound/json-answer.ts'
import { retryAfterOf } from '../../outbound/retry-after.ts'
import type { LackWords } from '../contributor.ts'

export const UPSTREAM_TOKEN_LACKS = {
  'upstream-token-missing': {
    status: 403,
    heading: 'A token is missing',
    message: 'The app needs a token that is made of one of yours, and you have none',
  },
  'upstream-token-sign-in': {
    status: 401,
    heading: 'Sign in again',
    message:
      'The app needs a token of its own for you. For that your identity provider wants you to sign in again.',
    cure: 'sign in again',
  },
  'upstream-token-refused': {
    status: 403,
    heading: 'Your account gets no token for this app',
    message:
      'The app needs a token of its own for you, and your identity provider gives none. Those who run it can tell what your account lacks.',
  },
  'upstream-token-unavailable': {
    status: 503,
    heading: 'The app can’t be reached right now',
    message:
      'The app needs a token of its own, and whoever issues it does not answer. Try again in a moment.',
    retryAfter: 5,
  },
  'upstream-token-invalid': {
    status: 502,
    heading: 'The app can’t be reached right now',
    message:
      'The app needs a token of its own, and none is to be had that could be used. Those who run this proxy can see why in its log.',
    retryAfter: 30,
  },
} as const satisfies Readonly<Record<string, LackWords>>

export type UpstreamTokenLack = keyof typeof UPSTREAM_TOKEN_LACKS

/** Why there is no token. */
export interface Failure {
  readonly lack: UpstreamTokenLack
  /** For the log: holds no token and no secret. */
  readonly why: string
  /** Whether others who ask the same would fare no better; they may, if it happens to one alone. */
  readonly isOfIssuer?: true
  /** When the issuer wants to be asked again: milliseconds. */
  readonly retryAfterMs?: number | undefined
}

export interface Issued {
  readonly value: string
  readonly lifetimeMs: number
}

const TYPES = 'urn:ietf:params:oauth:token-type:'

/** @param subjectToken the user's; unset for a client's own token */
export function tokenForm(terms: UpstreamTokenTerms, subjectToken: string | undefined): URLSearchParams {
  const { grant, audience = [], resource = [], scopes = [], request_params: more = {} } = terms
  const form = new URLSearchParams(more)
  for (const [name, value] of ownParameters(grant, terms, subjectToken ?? '')) form.set(name, value)
  for (const each of audience) form.append('audience', each)
  for (const each of resource) form.append('resource', each)
  if (scopes.length > 0) form.set('scope', scopes.join(' '))
  return form
}

function ownParameters(
  grant: UpstreamTokenTerms['grant'],
  terms: UpstreamTokenTerms,
  subjectToken: string,
): readonly (readonly [string, string])[] {
  switch (grant) {
    case 'token_exchange':
      return [
        ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        ['subject_token', subjectToken],
        ['subject_token_type', TYPES + terms.subject_token],
        ['requested_token_type', TYPES + terms.requested_token_type],
      ]
    case 'on_behalf_of':
      return [
        ['grant_type', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
        ['assertion', subjectToken],
        ['requested_token_use', 'on_behalf_of'],
      ]
    case 'client_credentials':
      return [['grant_type', 'client_credentials']]
  }
}

/** @param secrets what the answer might repeat, and no log may */
export async function readTokenAnswer(
  answer: Response,
  terms: UpstreamTokenTerms,
  { now, secrets }: { readonly now: number; readonly secrets: readonly string[] },
): Promise<Issued | Failure> {
  const body = jsonOf(await answer.text())
  if (answer.status === 200) return issuedBy(body, answer, terms, now)
  return failureOf(answer, body, { terms, now, secrets })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** OAuth errors by which a server says "not now". */
const NOT_NOW: ReadonlySet<string> = new Set(['temporarily_unavailable', 'server_error', 'slow_down'])
/** Those after which only the person can go on: their token has served, or they are to be asked something. */
const ABOUT_PERSON: ReadonlySet<string> = new Set([
  'invalid_grant',
  'invalid_token',
  'interaction_required',
  'login_required',
  'consent_required',
  'account_selection_required',
  'insufficient_user_authentication',
])
/** Those that are about our client, whoever it asks for. */
const ABOUT_CLIENT: ReadonlySet<string> = new Set([
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
])

function failureOf(
  answer: Response,
  body: unknown,
  { terms, now, secrets }: { terms: UpstreamTokenTerms; now: number; secrets: readonly string[] },
): Failure {
  const { status } = answer
  const error = memberOf(body, 'error')
  const code = typeof error === 'string' && /^[\w.-]{1,60}$/.test(error) ? error : ''
  const why = `it answered ${[status, code, described(body, secrets)].filter(Boolean).join(' ')}`
  if (status >= 500 || status === 429 || NOT_NOW.has(code))
    return {
      lack: 'upstream-token-unavailable',
      why,
      isOfIssuer: true,
      retryAfterMs: retryAfterOf(answer, now),
    }
  if (isForUser(terms) && (ABOUT_PERSON.has(code) || isAboutSubject(code, body, terms)))
    return { lack: 'upstream-token-sign-in', why }
  if (isForUser(terms) && code === 'access_denied') return { lack: 'upstream-token-refused', why }
  return code === '' || ABOUT_CLIENT.has(code) ? { ...invalid(why), isOfIssuer: true } : invalid(why)
}

/**
 * RFC 8693 section 2.2.2 has one code for a token that can't be exchanged any more and for a request that is
 * wrong. Only the words tell: Keycloak's are "Invalid token" and "Requested audience not available".
 */
function isAboutSubject(code: string, body: unknown, { grant }: UpstreamTokenTerms): boolean {
  const words = memberOf(body, 'error_description')
  if (grant !== 'token_exchange' || code !== 'invalid_request' || typeof words !== 'string') return false
  return (
    /\b(?:invalid|expired|revoked|inactive|not active)\b/i.test(words) &&
    /token\b/i.test(words) &&
    !/audience|type|scope|client/i.test(words)
  )
}

const invalid = (why: string): Failure => ({ lack: 'upstream-token-invalid', why })

/** So long are tokens and secrets, and few words. */
const LIKE_A_SECRET = /[\w.~+/=-]{24,}/g

/** Some servers repeat what they did not like. */
function described(body: unknown, secrets: readonly string[]): string {
  const text = memberOf(body, 'error_description')
  if (typeof text !== 'string') return ''
  const known = secrets.filter((secret) => secret !== '')
  const clean = known.reduce((rest, secret) => rest.replaceAll(secret, '…'), text)
  return clean.replaceAll(LIKE_A_SECRET, '…').replaceAll(/\s+/g, ' ').slice(0, 200)
}

const LARGEST_TOKEN = 32 * 1024
/** A header can hold it, and no server reads two values in it. */
const TOKEN = /^(?:(?![",;\\])[\x21-\x7e])+$/

function issuedBy(body: unknown, answer: Response, terms: UpstreamTokenTerms, now: number): Issued | Failure {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    const type = answer.headers.get('content-type')?.split(';')[0]?.trim().slice(0, 60)
    const what = type === undefined || type === '' ? 'something' : type
    return { ...invalid(`it answered with ${what}, which is no JSON object`), isOfIssuer: true }
  }
  const value = memberOf(body, 'access_token')
  if (typeof value !== 'string' || value === '') return invalid('it answered without an access_token')
  if (value.length > LARGEST_TOKEN) return invalid(`its token is larger than ${LARGEST_TOKEN} bytes`)
  if (!TOKEN.test(value)) return invalid('its token holds characters that are none of a token')
  const wrong = wrongType(body, terms)
  if (wrong !== undefined) return invalid(wrong)
  const claims = claimsOf(value)
  const stray = strayAudience(claims, terms)
  if (stray !== undefined) return invalid(stray)
  const lifetime = lifetimeOf(memberOf(body, 'expires_in'), claims, now)
  return typeof lifetime === 'number' ? { value, lifetimeMs: lifetime } : invalid(lifetime.wrong)
}

function wrongType(
  body: object,
  { grant, requested_token_type: asked }: UpstreamTokenTerms,
): string | undefined {
  const type = memberOf(body, 'token_type')
  const isExchange = grant === 'token_exchange'
  const isRight = typeof type === 'string' && (/^bearer$/i.test(type) || (isExchange && /^n_a$/i.test(type)))
  if (!isRight) return 'its token is of a type (token_type) that can’t be passed on'
  const issued = memberOf(body, 'issued_token_type')
  if (!isExchange || issued === undefined || issued === null) return undefined
  // Any of them may be written as a JWT.
  return issued === TYPES + asked ||
    issued === `${TYPES}jwt` ||
    (asked === 'jwt' && issued === `${TYPES}access_token`)
    ? undefined
    : 'its token is of another kind (issued_token_type) than was asked for'
}

type Claims = Readonly<Record<string, unknown>> | undefined

/** Undefined for a token that only its issuer can read. Not verified: it came from there. */
function claimsOf(token: string): Claims {
  try {
    return decodeJwt(token)
  } catch {
    return undefined
  }
}

/** Some servers pass over an audience that they do not know, and give a token that is good elsewhere. */
function strayAudience(claims: Claims, { audience: asked = [] }: UpstreamTokenTerms): string | undefined {
  if (claims === undefined || asked.length === 0) return undefined
  const found = [claims['aud']].flat().filter((each) => typeof each === 'string')
  if (found.some((each) => asked.includes(each))) return undefined
  const whom = found.length === 0 ? 'nobody in particular' : found.join(', ').slice(0, 200)
  return `its token is for ${whom}, not for ${asked.join(', ').slice(0, 200)}`
}

/** Of a token of which nobody says when it ends. */
const UNKNOWN_LIFETIME_MS = 60_000
/** What is said of a longer life nobody could take back. */
const LONGEST_LIFETIME_MS = 86_400_000

/** Milliseconds from `now`. A token does not outlive what it says itself. */
function lifetimeOf(expiresIn: unknown, claims: Claims, now: number): number | { readonly wrong: string } {
  const stated = secondsOf(expiresIn)
  if (stated !== undefined && !(stated > 0))
    return { wrong: 'it does not say rightly when its token ends (expires_in)' }
  const { exp, iat } = claims ?? {}
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return bounded(stated)
  if (stated === undefined) {
    const left = exp - now / 1000
    return left > 0 ? bounded(left) : { wrong: 'its token has expired already; are the clocks right?' }
  }
  // By its own clock alone: ours may be another.
  const own = typeof iat === 'number' && exp > iat ? exp - iat : stated
  return bounded(Math.min(stated, own))
}

const bounded = (seconds: number | undefined): number =>
  seconds === undefined ? UNKNOWN_LIFETIME_MS : Math.min(Math.floor(seconds * 1000), LONGEST_LIFETIME_MS)

/** Undefined where nothing is said; `NaN` for what can't be read. Some servers write the number as a text. */
function secondsOf(value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string') return /^\d{1,15}(?:\.\d+)?$/.test(value) ? Number(value) : Number.NaN
  return typeof value === 'number' ? value : Number.NaN
}
