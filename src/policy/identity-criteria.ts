/**
 * Criteria about who asks.
 *
 * Nothing is known of somebody who is not signed in, so what is asked of their identity is unknown, not
 * "no". Of a signed-in user a value that the OpenID provider did not give is "no", even to a negated matcher
 * (`email: {not: x}` wants an address); a value that could not be fetched or read is unknown.
 *
 * @module
 */
import type { Identified, Subject } from './decision.ts'
import { type CompileData, type Kinds, NO_DATA, withoutData } from './kind.ts'
import { listMatcher, type TextMatcher, textMatcher } from './matchers.ts'
import { type Criterion, hit, miss, type Outcome, STRANGER, UNIDENTIFIED, unknown } from './outcome.ts'

const USER_OK = hit('user-ok')
const USER_MISS = miss('user-unauthorized')
const EMAIL_OK = hit('email-ok')
const EMAIL_MISS = miss('email-unauthorized')
const DOMAIN_OK = hit('domain-ok')
const DOMAIN_MISS = miss('domain-unauthorized')
const DOMAIN_UNKNOWN = unknown('domain-unknown')
const CLAIM_OK = hit('claim-ok')
const CLAIM_MISS = miss('claim-unauthorized')
const CLAIM_UNKNOWN = unknown('claim-unknown')
const GROUPS_OK = hit('groups-ok')
const GROUPS_MISS = miss('groups-unauthorized')
const GROUPS_UNKNOWN = unknown('groups-unknown')

/** Longest claim path that is looked up as a nested one. */
const MAX_CLAIM_SEGMENTS = 5

export const IDENTITY_CRITERIA: Kinds = {
  authenticated_user: {
    holds: 'somebody is signed in',
    ...NO_DATA,
    reasons: ['user-ok', 'user-unauthorized', 'user-unauthenticated'],
    readsSubject: true,
    compile: withoutData(authenticatedUser),
  },
  user: {
    holds: 'the user id (`sub`) that the identity provider gives fits',
    data: 'text matcher',
    example: '00u1abcd',
    reasons: ['user-ok', 'user-unauthorized', 'user-unauthenticated'],
    readsSubject: true,
    compile: user,
  },
  email: {
    holds: 'the e-mail address fits; an address that the provider calls unverified counts as none',
    data: 'text matcher',
    example: { ends_with: '@example.com' },
    reasons: ['email-ok', 'email-unauthorized', 'user-unauthenticated'],
    readsSubject: true,
    compile: email,
  },
  domain: {
    holds: 'the part of the e-mail address after `@` fits; of an address with two `@` it is unknown',
    data: 'text matcher',
    example: { is: 'example.com' },
    reasons: ['domain-ok', 'domain-unauthorized', 'domain-unknown', 'user-unauthenticated'],
    readsSubject: true,
    compile: domain,
  },
  groups: {
    holds: 'the groups fit, those of the claim `groups` and of the directories together',
    data: 'list matcher',
    example: { has: 'staff' },
    reasons: ['groups-ok', 'groups-unauthorized', 'groups-unknown', 'user-unauthenticated'],
    readsSubject: true,
    compile: groups,
    comparesGroups: () => true,
  },
  claim: {
    holds:
      'that claim fits; `claim/address/city` or `claim/address.city` reach into nested claims, at most five levels deep',
    data: 'list matcher',
    example: { has: 'engineering' },
    reasons: ['claim-ok', 'claim-unauthorized', 'claim-unknown', 'user-unauthenticated'],
    readsSubject: true,
    compile: claim,
    subPath: 'path',
    comparesGroups: (path) => path === 'groups',
  },
}

function authenticatedUser(subject: Subject): Outcome {
  if (subject.kind === 'anonymous') return STRANGER
  return subject.userId === '' ? USER_MISS : USER_OK
}

function user(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const matches = textMatcher(data, at, report)
  return matches && ofUser(({ userId }) => (userId !== '' && matches(userId) ? USER_OK : USER_MISS))
}

function email(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const matches = textMatcher(data, at, report)
  return matches && ofUser((someone) => (someone.email && matches(someone.email) ? EMAIL_OK : EMAIL_MISS))
}

function domain(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const matches = textMatcher(data, at, report)
  return matches && ofUser((someone) => domainOutcome(someone.email ?? unclearAddress(someone), matches))
}

/** What the provider gave in the place of an address, and what counts as none because of its form. */
function unclearAddress({ claims }: Identified): string {
  const [address = ''] = Object.hasOwn(claims, 'email') ? (claims['email'] ?? []) : []
  return /^@|@$|@.*@/.test(address) ? address : ''
}

/**
 * `a@corp.example@evil.example` belongs to no domain that could be told: programs differ on which half
 * counts. It never matches, and a deny rule on domains denies it.
 */
function domainOutcome(address: string, matches: TextMatcher): Outcome {
  const sign = address.indexOf('@')
  if (sign < 0) return DOMAIN_MISS
  if (sign === 0 || sign === address.length - 1 || address.includes('@', sign + 1)) return DOMAIN_UNKNOWN
  return matches(address.slice(sign + 1)) ? DOMAIN_OK : DOMAIN_MISS
}

function groups(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const matches = listMatcher(data, at, report)
  return (
    matches &&
    ofUser(({ groups: all, knownGroups = [] }) => {
      const isMet = all === 'unknown' ? matches(knownGroups, false) : matches(all)
      if (isMet === undefined) return GROUPS_UNKNOWN
      return isMet ? GROUPS_OK : GROUPS_MISS
    })
  )
}

function claim(...[data, at, report, { subPath }]: Parameters<CompileData>): Criterion | undefined {
  const matches = listMatcher(data, at, report)
  if (matches === undefined) return undefined
  const valuesIn = claimValues(subPath)
  return ofUser((someone) => {
    const values = valuesIn(someone)
    if (values === 'unknown') return CLAIM_UNKNOWN
    return values !== undefined && matches(values) ? CLAIM_OK : CLAIM_MISS
  })
}

/**
 * The path is tried as it stands (a claim may be called `https://corp.example/roles`), then as the way into
 * a nested claim, whose flattened name has dots.
 */
export function claimValues(
  path: string,
): (someone: Identified) => readonly string[] | undefined | 'unknown' {
  const segments = path.split(/[/.]/)
  const nested = segments.length <= MAX_CLAIM_SEGMENTS ? [segments.join('.'), segments.join('/')] : []
  const names = [...new Set([path, ...nested])]
  return (someone) => {
    for (const name of names) {
      // own properties only: a claim is named by whoever writes the policy, `constructor` included
      const values = Object.hasOwn(someone.claims, name) ? someone.claims[name] : undefined
      if (values !== undefined) return values
    }
    return isDistributed(someone, segments[0] ?? '') ? 'unknown' : undefined
  }
}

/**
 * Whether the provider has the claim but keeps it elsewhere (OpenID Connect Core §5.6.2), as Entra does with
 * the groups of people who have many. An absent claim then says nothing.
 */
function isDistributed({ claims, groups: all }: Identified, name: string): boolean {
  if (name === 'groups' && all === 'unknown') return true
  return Object.hasOwn(claims, `_claim_names.${name}`) || Object.hasOwn(claims, `_claim_names/${name}`)
}

function ofUser(test: (someone: Identified) => Outcome): Criterion {
  return (subject) => (subject.kind === 'anonymous' ? UNIDENTIFIED : test(subject))
}
