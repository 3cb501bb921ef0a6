/**
 * What a fact that is not there means to a policy: one table for all criteria and matchers.
 *
 * A rule under `allow` is never satisfied, and one under `deny` never escaped, by leaving a fact out or by
 * having it in a form that can't be relied on. The exception is a list that is known to be empty: it excludes
 * every value, as the list of somebody who is in no group does.
 *
 * @module
 */
import type { Truth } from './decision.ts'

/** How a condition looks at a fact. */
export type Look = 'text' | 'negated text' | 'order' | 'list' | 'negated list'

/** Why there is no value to compare with. */
export type Lack = 'none' | 'absent' | 'unverified' | 'malformed' | 'unknown'

type Truths = Readonly<Record<Look, Truth>>

const UNDECIDED: Truths = {
  text: 'unknown',
  'negated text': 'unknown',
  order: 'unknown',
  list: 'unknown',
  'negated list': 'unknown',
}

export const MISSING_FACTS: Readonly<Record<Lack, Truths>> = {
  // Nothing is no certain text, and in no list. That it is "not x" would let somebody in for having nothing.
  none: {
    text: 'miss',
    'negated text': 'unknown',
    order: 'unknown',
    list: 'miss',
    'negated list': 'hit',
  },
  absent: UNDECIDED,
  unverified: UNDECIDED,
  malformed: UNDECIDED,
  unknown: UNDECIDED,
}

/** For the page on the language. */
export const LACKS: Readonly<Record<Lack, { readonly is: string; readonly examples: string }>> = {
  none: {
    is: 'known to be none',
    examples:
      'The provider did not send the claim or groups. A machine has no address. The table lacks the field or row. No database has the place of the address. A certificate was asked for and not shown, so there are no names',
  },
  absent: {
    is: 'not given',
    examples:
      'the e-mail address of a person whose provider gives none; the time where nobody says it; a certificate where none is asked for',
  },
  unverified: { is: 'not verified', examples: 'an e-mail address with any `email_verified` but true' },
  malformed: {
    is: 'not plain',
    examples:
      'An e-mail address with two `@`, a blank or a dot at its end. A path that two programs could read in two ways. A claim that is a map, a list in a list or a number that JSON rounds',
  },
  unknown: {
    is: 'could not be had',
    examples:
      'groups that the provider left out because they are too many; a directory, a table or a database that can’t be read',
  },
}

export const LOOKS: Readonly<Record<Look, string>> = {
  text: '`is`, `in`, `contains`, `starts_with`, `ends_with`',
  'negated text': '`not`, `not_in`',
  order: '`<`, `<=`, `=`, `>`, `>=`',
  list: '`has`, and `is` of a list',
  'negated list': '`exclude`',
}

/** What conditions that must all hold come to, for each way in which a fact may be missing. */
export function truthsOf(looks: readonly Look[]): Readonly<Record<Lack, Truth>> {
  const of = (lack: Lack): Truth => allOf(looks.map((look) => MISSING_FACTS[lack][look]))
  return {
    none: of('none'),
    absent: of('absent'),
    unverified: of('unverified'),
    malformed: of('malformed'),
    unknown: of('unknown'),
  }
}

/** Kleene's "and": one miss settles it, and everything must hold for a hit. */
export function allOf(truths: readonly Truth[]): Truth {
  if (truths.includes('miss')) return 'miss'
  return truths.includes('unknown') ? 'unknown' : 'hit'
}

/** Readings of one fact: where they disagree, which of them counts is not known. */
export function agreed(truths: readonly Truth[]): Truth {
  const [first = 'unknown'] = truths
  return truths.every((truth) => truth === first) ? first : 'unknown'
}
