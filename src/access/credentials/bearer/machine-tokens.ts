/**
 * Tokens by which a platform vouches for a workload: whose they are, and whether they are genuine and meant
 * for us.
 *
 * @module
 */

import { decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import type { MachineIssuer } from '../../../config/keys/credentials/machine-issuers.ts'
import { flattenClaims } from '../../../flat-claims.ts'
import { timeOf } from '../../../identity/openid/sign-in-facts.ts'
import type { TokenProblem } from '../../../identity/provider.ts'
import { MALFORMED, problem, problemOf } from '../../../identity/token-problem.ts'
import { unmetPin } from './claim-pins.ts'
import { type IssuerKeys, type IssuerKeysOptions, openIssuerKeys } from './issuer-keys.ts'

export interface WorkloadToken {
  /** Which entry of `identity_providers` it belongs to. */
  readonly issuerName: string
  readonly subject: string
  /** Flattened, as policies read them. */
  readonly claims: Readonly<Record<string, readonly string[]>>
  /** Epoch milliseconds, by the token alone. */
  readonly issuedAt: number
  readonly expiresAt: number
}

const TOLERANCE_SECONDS = 60
const UNKNOWN_ISSUER = problem('its issuer (iss) is not known here')

interface KnownIssuer extends MachineIssuer {
  readonly keys: IssuerKeys
}

export class MachineTokens {
  readonly #issuers: readonly KnownIssuer[]
  readonly #now: () => number

  constructor(issuers: readonly MachineIssuer[], options: IssuerKeysOptions) {
    this.#issuers = issuers.map((issuer) => ({ ...issuer, keys: openIssuerKeys(issuer, options) }))
    this.#now = options.now
  }

  /** The entry that its issuer goes by, unverified: other entries are not even asked for their keys. */
  issuerNameOf(token: string): string | TokenProblem {
    const claimed = decode(token)
    if (claimed === undefined) return MALFORMED
    return this.#issuerOf(claimed)?.name ?? UNKNOWN_ISSUER
  }

  /** @throws {Fault} IDP_UNREACHABLE, IDP_ANSWER_INVALID when it can't be told */
  async verify(token: string): Promise<WorkloadToken | TokenProblem> {
    const claimed = decode(token)
    if (claimed === undefined) return MALFORMED
    const issuer = this.#issuerOf(claimed)
    if (issuer === undefined) return UNKNOWN_ISSUER
    try {
      return this.#judge(issuer, await this.#verified(token, issuer))
    } catch (error) {
      return problemOf(error, issuer.issuer ?? `spiffe://${issuer.trustDomain}`)
    }
  }

  /** By what the token says unverified: that only chooses whose keys it has to fit. */
  #issuerOf({ iss, sub }: JWTPayload): KnownIssuer | undefined {
    return (
      (iss === undefined ? undefined : this.#issuers.find(({ keys }) => keys.issuer() === iss)) ??
      this.#issuers.find(
        ({ trustDomain, keys }) =>
          trustDomain !== undefined && keys.issuer() === undefined && isSpiffeId(sub, trustDomain),
      )
    )
  }

  async #verified(token: string, { keys, algorithms, audiences }: KnownIssuer): Promise<JWTPayload> {
    const issuer = keys.issuer()
    const { payload } = await jwtVerify(token, keys.find, {
      algorithms: [...algorithms],
      audience: [...audiences],
      requiredClaims: ['sub', 'exp', 'aud'],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: new Date(this.#now()),
      ...(issuer === undefined ? {} : { issuer }),
    })
    return payload
  }

  #judge(issuer: KnownIssuer, payload: JWTPayload): WorkloadToken | TokenProblem {
    const { sub, exp = 0, iat } = payload
    if (typeof sub !== 'string' || sub === '') return problem('it has no claim "sub"')
    if (typeof iat === 'number' && iat > this.#now() / 1000 + TOLERANCE_SECONDS)
      return problem('it was issued in the future (iat)')
    if (issuer.trustDomain !== undefined && !isSpiffeId(sub, issuer.trustDomain))
      return problem('its subject (sub) is no SPIFFE ID of the trust domain')
    const claims = flattenClaims(payload)
    const unmet = unmetPin(claims, issuer.claims)
    if (unmet !== undefined) return problem(`its claim "${unmet}" is not one that is trusted here`)
    const expiresAt = Math.floor((exp + TOLERANCE_SECONDS) * 1000)
    return { issuerName: issuer.name, subject: sub, claims, issuedAt: timeOf(iat, this.#now()), expiresAt }
  }
}

/** @see https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md section 2 */
function isSpiffeId(sub: unknown, trustDomain: string): boolean {
  const prefix = `spiffe://${trustDomain}/`
  return (
    typeof sub === 'string' &&
    sub.startsWith(prefix) &&
    sub
      .slice(prefix.length)
      .split('/')
      .every((segment) => /^[A-Za-z0-9._-]+$/.test(segment) && segment !== '.' && segment !== '..')
  )
}

function decode(token: string): JWTPayload | undefined {
  try {
    decodeProtectedHeader(token)
    return decodeJwt(token)
  } catch {
    return undefined
  }
}
