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
  | 'certificate'
  | 'device'
  | 'network'
  | 'place'
  | 'time'
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

const NOT_NOW = { kind: 'excluded', words: 'This page is closed at this time by a rule.' } as const
const NOT_THIS_CERTIFICATE = {
  kind: 'excluded',
  words: 'Your client certificate is excluded from this page by a rule.',
} as const
const NOT_THIS_LOGIN = { kind: 'excluded', words: 'This login is excluded by a rule.' } as const

const DIFFERENT_REQUEST = { kind: 'request', words: 'a different kind of request' } as const
const DIFFERENT_TIME = { kind: 'time', words: 'to come at a different time' } as const
const DIFFERENT_LOGIN = { kind: 'request', words: 'to log in under a different name' } as const
const DIFFERENT_TOOL = { kind: 'request', words: 'to call a different tool' } as const
const LATER = {
  kind: 'later',
  words: 'facts about you that could not be looked up; try again later',
} as const
const CLOCK = { kind: 'later', words: 'the time of day, which could not be told; try again later' } as const

/**
 * In the order in which they are of use to the reader. A plain `-ok` beside a refusal is a rule against it.
 */
const MISSING: Readonly<Record<Reason, Missing>> = {
  'user-unauthenticated': { kind: 'sign-in', words: 'to be signed in' },
  'client-certificate-required': {
    kind: 'certificate',
    words: 'a client certificate in your browser or program',
  },
  'invalid-client-certificate': { kind: 'certificate', words: 'a client certificate that is trusted here' },
  'client-certificate-unauthorized': { kind: 'certificate', words: 'a different client certificate' },
  'groups-unauthorized': { kind: 'group', words: 'to be a member of a required group' },
  'domain-unauthorized': { kind: 'domain', words: 'an account of a different e-mail domain' },
  'email-unauthorized': { kind: 'email', words: 'an account with a different e-mail address' },
  'user-unauthorized': { kind: 'account', words: 'a different account' },
  'claim-unauthorized': { kind: 'claim', words: 'an account with an attribute that yours does not have' },
  'record-unauthorized': { kind: 'claim', words: 'to meet a condition that is kept on record' },
  'record-absent': { kind: 'claim', words: 'to be on record with what is asked for' },
  'device-unauthenticated': { kind: 'device', words: 'a registered device' },
  'device-unauthorized': { kind: 'device', words: 'a different registered device' },
  'time-of-day-unauthorized': DIFFERENT_TIME,
  'day-of-week-unauthorized': { kind: 'time', words: 'to come on a different day' },
  'date-unauthorized': DIFFERENT_TIME,
  'source-ip-unauthorized': { kind: 'network', words: 'to be on a different network' },
  'geoip-unauthorized': { kind: 'place', words: 'to be in a different place' },
  'geoip-absent': { kind: 'place', words: 'a connection from a place that is known' },
  'http-path-unauthorized': { kind: 'request', words: 'a different address on this site' },
  'http-method-unauthorized': DIFFERENT_REQUEST,
  'non-cors-request': DIFFERENT_REQUEST,
  'non-pomerium-route': DIFFERENT_REQUEST,
  'ssh-username-unauthorized': DIFFERENT_LOGIN,
  'ssh-publickey-unauthorized': { kind: 'certificate', words: 'a different SSH key' },
  'ssh-ca-unauthorized': { kind: 'certificate', words: 'an SSH certificate that is valid for this login' },
  'mcp-tool-no-match': DIFFERENT_TOOL,
  'mcp-not-a-tool-call': { kind: 'request', words: 'a call of a tool' },
  'user-unknown': { kind: 'account', words: 'an account with an id' },
  'email-absent': {
    kind: 'email',
    words: 'an account with an e-mail address; the identity provider gives none for yours',
  },
  'email-unverified': {
    kind: 'email',
    words: 'an e-mail address that your identity provider calls verified; yours is not',
  },
  'email-unknown': { kind: 'email', words: 'an account with a valid e-mail address' },
  'groups-unknown': { kind: 'later', words: 'your groups, which could not be looked up; try again later' },
  'claim-unknown': LATER,
  'record-unknown': LATER,
  'date-unknown': CLOCK,
  'day-of-week-unknown': CLOCK,
  'time-of-day-unknown': CLOCK,
  'client-certificate-unknown': { kind: 'certificate', words: 'a client certificate that can be checked' },
  'ssh-username-unknown': { kind: 'email', words: 'an account with a valid e-mail address' },
  'ssh-ca-unknown': { kind: 'certificate', words: 'an SSH certificate that can be checked' },
  'mcp-tool-unknown': { kind: 'request', words: 'a message that can be read' },
  'domain-unknown': { kind: 'email', words: 'an account with a valid e-mail address' },
  'source-ip-unknown': { kind: 'network', words: 'a connection whose address can be told' },
  'geoip-unknown': { kind: 'later', words: 'the place of your connection, which could not be looked up' },
  'http-method-unknown': DIFFERENT_REQUEST,
  'http-path-unknown': { kind: 'request', words: 'an address that is written plainly' },
  'groups-ok': NOT_FOR_YOU,
  'domain-ok': NOT_FOR_YOU,
  'email-ok': NOT_FOR_YOU,
  'user-ok': NOT_FOR_YOU,
  'claim-ok': NOT_FOR_YOU,
  'record-ok': NOT_FOR_YOU,
  'device-ok': { kind: 'excluded', words: 'Your device is excluded from this page by a rule.' },
  'client-certificate-ok': NOT_THIS_CERTIFICATE,
  'valid-client-certificate': NOT_THIS_CERTIFICATE,
  'date-ok': NOT_NOW,
  'day-of-week-ok': NOT_NOW,
  'time-of-day-ok': NOT_NOW,
  'source-ip-ok': { kind: 'excluded', words: 'Your network is excluded from this page by a rule.' },
  'geoip-ok': { kind: 'excluded', words: 'The place that you are in is excluded from this page by a rule.' },
  'http-path-ok': NOT_THIS_WAY,
  'http-method-ok': NOT_THIS_WAY,
  'cors-request': NOT_THIS_WAY,
  'ssh-username-ok': NOT_THIS_LOGIN,
  'ssh-publickey-ok': NOT_THIS_LOGIN,
  'ssh-ca-ok': NOT_THIS_LOGIN,
  'mcp-tool-match': { kind: 'excluded', words: 'This tool is excluded by a rule.' },
  accept: NOBODY,
  reject: NOBODY,
}

type Refusal = Pick<Decision, 'outcome' | 'reasons'> & Partial<Pick<Decision, 'waysIn'>>

/**
 * What is missing for this decision to become "allow", most useful first, each kind of words once. Empty for
 * an allowed request, never for a refused one. Several entries need not all be needed: see `waysIn`.
 */
export function missingFor(decision: Refusal): readonly Missing[] {
  if (decision.outcome === 'allow') return []
  const said = lackingOf(decision.reasons, decision)
    // a closed door among other branches says nothing to somebody who could use another
    .filter(({ kind }, _, all) => kind !== 'nothing' || all.length === 1)
  return said.length === 0 ? [NOBODY] : said
}

/**
 * The ways in that are left to whoever was refused, the shortest and most useful first: of each, all entries
 * are needed. Empty where there is none, and where a rule excludes.
 */
export function waysIn(decision: Refusal): readonly (readonly Missing[])[] {
  const ways = (decision.waysIn ?? [])
    .map((reasons) => lackingOf(reasons, decision))
    .filter((way) => way.length > 0 && way.every(({ kind }) => !isSentence(kind)))
    .toSorted((a, b) => a.length - b.length || rankOf(a) - rankOf(b))
  const isIncluded = (way: readonly Missing[], earlier: readonly Missing[]) =>
    earlier.every((each) => way.includes(each))
  // who must do more than another way asks for will take that one
  return ways.filter((way, index) => !ways.slice(0, index).some((earlier) => isIncluded(way, earlier)))
}

/** Whether the words stand for themselves. */
export const isSentence = (kind: MissingKind): boolean => kind === 'excluded' || kind === 'nothing'

const ORDER: readonly Missing[] = [...new Set(Object.values(MISSING))]

const rankOf = ([first]: readonly Missing[]): number => (first === undefined ? 0 : ORDER.indexOf(first))

/** In the order of the table, each kind of words once. */
function lackingOf(reasons: readonly string[], { outcome }: Refusal): readonly Missing[] {
  const said = Object.entries(MISSING)
    .filter(([reason]) => reasons.includes(reason))
    // a stranger who is refused outright would be refused signed in as well
    .filter(([, { kind }]) => kind !== 'sign-in' || outcome === 'sign-in')
    .map(([, missing]) => missing)
  return said.filter(({ words }, index) => said.findIndex((each) => each.words === words) === index)
}
