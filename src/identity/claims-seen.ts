/**
 * Whether the claims that a configuration names ever come from its provider: a misspelt one is silently
 * empty.
 *
 * @module
 */
import type { SignInProvider } from '../config/config.ts'
import { isGiven, type RawClaims } from '../flat-claims.ts'
import { claimAt } from './claims.ts'
import type { ProviderLogger } from './openid/asking.ts'

interface Watched {
  readonly client: Pick<SignInProvider, 'name' | 'groups_claim' | 'email_claim'>
  readonly logger: ProviderLogger | undefined
  /** Claims that are copied to upstreams, by the configuration in force. */
  readonly copied: (() => readonly string[]) | undefined
}

/** Names of claims that the warning shows. */
const MOST_NAMES = 20
/** They are made here, and come from no provider. */
const OWN = new Set([
  'groups',
  'email',
  'name',
  'user',
  'sub',
  'sid',
  'idp',
  'iss',
  'aud',
  'jti',
  'iat',
  'exp',
])

/** Each name is warned about once, and not any more once it was seen. */
export function watchClaims({ client, logger, copied }: Watched): { note(claims: RawClaims): void } {
  const settled = new Set<string>()
  return {
    note(claims) {
      const own = [client.groups_claim, client.email_claim].filter((name) => name !== undefined)
      for (const name of [...own, ...(copied?.() ?? []).filter((each) => !OWN.has(each))]) {
        if (settled.has(name)) continue
        settled.add(name)
        if (isGiven(claimAt(claims, name))) continue
        logger?.warn(
          { provider: client.name, claim: name, claims: Object.keys(claims).slice(0, MOST_NAMES) },
          'the configuration names a claim that the provider has not sent so far',
        )
      }
      warnOfCommas(claims)
    },
  }

  function warnOfCommas(claims: RawClaims): void {
    const name = client.groups_claim ?? 'groups'
    const groups = claimAt(claims, name)
    if (typeof groups !== 'string' || !groups.includes(',') || settled.has(COMMAS)) return
    settled.add(COMMAS)
    logger?.warn(
      { provider: client.name, claim: name },
      'the groups are one text with commas, which is one group; have the provider send a list',
    )
  }
}

/** No name of a claim that a configuration may have. */
const COMMAS = ''
