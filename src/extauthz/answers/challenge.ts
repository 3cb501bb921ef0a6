/**
 * The headers by which a refusal says what would do: who may be shown, what was wrong with it, which method
 * to use.
 *
 * @see RFC 9110 section 11.6.1, RFC 6750 section 3
 * @module
 */
import type { AuthenticationRequirement } from '../../edge/authentication-requirement.ts'
import type { LackWords } from '../../upstream/contributor.ts'
import { isUpstreamLack, UPSTREAM_LACKS } from '../../upstream/contributors.ts'
import type { HeaderEntry } from '../../upstream/header.ts'
import type { Check, RefusalReason } from '../check.ts'

/** The `error` of a challenge, by what is wrong. */
const ERRORS: Partial<Readonly<Record<RefusalReason, string>>> = {
  'invalid-token': 'invalid_token',
  'token-not-for-this-route': 'insufficient_scope',
}

/** RFC 9110 section 15.5.6 wants to hear what would do instead. */
const OTHER_METHODS: readonly HeaderEntry[] = [['allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']]

/** Seconds after which the same request may fare better (RFC 9110 section 10.2.3). */
const RETRY_AFTER: Partial<Readonly<Record<RefusalReason, string>>> = {
  // Whatever has ended unheard is forgotten by then; see share/open-requests.ts.
  'too-many-open-requests': '5',
  // All of an allowance is back by then; see bad-token-limit.ts.
  'too-many-invalid-tokens': '60',
}

/**
 * So recent that the identity provider asks who somebody is, and gives new tokens, but for whom it has asked
 * just now.
 */
export const SIGN_IN_AGAIN = { maxAge: 60_000, acrValues: [] } as const

/** None for a refusal that has to do with something else than who asks. */
export function challenge(check: Check, reason: RefusalReason | 'sign-in'): readonly HeaderEntry[] {
  if (isUpstreamLack(reason)) return lackHeaders(check, UPSTREAM_LACKS[reason])
  if (reason === 'method-not-allowed') return OTHER_METHODS
  if (reason === 'sign-in') return bearer(check, [])
  const retryAfter = RETRY_AFTER[reason]
  if (retryAfter !== undefined) return [['retry-after', retryAfter]]
  const error = ERRORS[reason]
  return error === undefined ? [] : bearer(check, [`error="${error}"`])
}

function lackHeaders(check: Check, { cure, retryAfter }: LackWords): readonly HeaderEntry[] {
  if (cure === 'sign in again') return stepUpChallenge(check, SIGN_IN_AGAIN)
  return retryAfter === undefined ? [] : [['retry-after', String(retryAfter)]]
}

/** For a person's program: what the sign-in lacks. @see RFC 9470 section 3 */
export function stepUpChallenge(
  check: Check,
  { maxAge, acrValues }: AuthenticationRequirement,
): readonly HeaderEntry[] {
  return bearer(check, [
    'error="insufficient_user_authentication"',
    'error_description="A more recent or a stronger sign-in is required"',
    ...(acrValues.length > 0 ? [`acr_values="${acrValues.join(' ')}"`] : []),
    ...(maxAge === undefined ? [] : [`max_age="${Math.floor(maxAge / 1000)}"`]),
  ])
}

/** A host that was let through to here has no quotes in it. */
function bearer({ host }: Check, parts: readonly string[]): readonly HeaderEntry[] {
  return [['www-authenticate', `Bearer ${[`realm="${host}"`, ...parts].join(', ')}`]]
}
