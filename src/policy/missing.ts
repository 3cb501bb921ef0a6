/**
 * What stands between somebody and the page, in words for the denial page.
 *
 * Made of the reasons alone, so it names kinds of conditions and never a value: not which group, address or
 * network a policy lists, nor whether somebody else would be let in.
 *
 * @module
 */
import type { Decision } from './decision.ts'
import type { Reason } from './outcome.ts'

export type MissingKind =
  | 'sign-in'
  | 'group'
  | 'account'
  | 'email'
  | 'domain'
  | 'claim'
  | 'network'
  | 'request'
  | 'later'
  | 'excluded'
  | 'nothing'

export interface Missing {
  readonly kind: MissingKind
  /** Ends the sentence "To open this page you need …"; for `excluded` and `nothing` a sentence of its own. */
  readonly words: string
}

const NOT_FOR_YOU = { kind: 'excluded', words: 'Your account is excluded from this page by a rule.' } as const
const NOT_THIS_WAY = { kind: 'excluded', words: 'This kind of request is excluded by a rule.' } as const
const NOBODY = { kind: 'nothing', words: 'No one may open this page at present.' } as const

/** In the order in which they are of use to the reader. A plain `-ok` beside a refusal is a rule against it. */
const MISSING: Readonly<Record<Reason, Missing>> = {
  'user-unauthenticated': { kind: 'sign-in', words: 'to be signed in' },
  'groups-unauthorized': { kind: 'group', words: 'to be a member of a required group' },
  'domain-unauthorized': { kind: 'domain', words: 'an account of a different e-mail domain' },
  'email-unauthorized': { kind: 'email', words: 'an account with a different e-mail address' },
  'user-unauthorized': { kind: 'account', words: 'a different account' },
  'claim-unauthorized': { kind: 'claim', words: 'an account with an attribute that yours does not have' },
  'source-ip-unauthorized': { kind: 'network', words: 'to be on a different network' },
  'http-path-unauthorized': { kind: 'request', words: 'a different address on this site' },
  'http-method-unauthorized': { kind: 'request', words: 'a different kind of request' },
  'non-cors-request': { kind: 'request', words: 'a different kind of request' },
  'groups-unknown': { kind: 'later', words: 'your groups, which could not be looked up; try again later' },
  'claim-unknown': { kind: 'later', words: 'facts about you that could not be looked up; try again later' },
  'domain-unknown': { kind: 'email', words: 'an account with a valid e-mail address' },
  'source-ip-unknown': { kind: 'network', words: 'a connection whose address can be told' },
  'http-path-unknown': { kind: 'request', words: 'an address that is written plainly' },
  'groups-ok': NOT_FOR_YOU,
  'domain-ok': NOT_FOR_YOU,
  'email-ok': NOT_FOR_YOU,
  'user-ok': NOT_FOR_YOU,
  'claim-ok': NOT_FOR_YOU,
  'source-ip-ok': { kind: 'excluded', words: 'Your network is excluded from this page by a rule.' },
  'http-path-ok': NOT_THIS_WAY,
  'http-method-ok': NOT_THIS_WAY,
  'cors-request': NOT_THIS_WAY,
  accept: NOBODY,
  reject: NOBODY,
}

/**
 * What is missing for this decision to become "allow", most useful first, each kind of words once. Empty for
 * an allowed request, never for a refused one. Several entries need not all be needed: rules may be
 * alternatives.
 */
export function missingFor(decision: Pick<Decision, 'outcome' | 'reasons'>): readonly Missing[] {
  if (decision.outcome === 'allow') return []
  const said = Object.entries(MISSING)
    .filter(([reason]) => decision.reasons.includes(reason))
    // a stranger who is refused outright would be refused signed in as well
    .filter(([, { kind }]) => kind !== 'sign-in' || decision.outcome === 'sign-in')
    // a closed door among other branches says nothing to somebody who could use another
    .filter(([, { kind }], _, all) => kind !== 'nothing' || all.length === 1)
    .map(([, missing]) => missing)
  const unique = said.filter(({ words }, index) => said.findIndex((each) => each.words === words) === index)
  return unique.length === 0 ? [NOBODY] : unique
}
