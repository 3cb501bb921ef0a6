/**
 * The criterion `user`: ids, judged together with who gave them.
 *
 * @module
 */

import { textMatcher } from '../matching/matchers.ts'
import { fullId, fullText, isFullId, providerOf, type UserNames } from '../matching/user-ids.ts'
import { agreed, allOf, truthsOf } from '../missing-facts.ts'
import { type Criterion, outcomes, UNIDENTIFIED } from '../outcome.ts'
import { isMapping, type Path, type Report } from '../problem.ts'
import { choiceOf } from '../suggestion.ts'
import type { CompileData } from './kind.ts'

export const USER = outcomes('user-ok', 'user-unauthorized', 'user-unknown')

/** Matchers of a part of an id, which does not say whose it is. */
const OF_PARTS = ['contains', 'ends_with']

export function user(...[data, at, report, { context }]: Parameters<CompileData>): Criterion | undefined {
  const { users } = context
  if (textMatcher(data, at, report) === undefined) return undefined
  const judge = users === undefined ? plainly(data, at) : byProvider(data, at, users)
  if (users !== undefined && users.own === undefined) reportBare(data, at, report, users)
  const ofNobody = USER[truthsOf(['text']).malformed]
  return (subject) => {
    if (subject.kind === 'anonymous') return UNIDENTIFIED
    return subject.userId === '' ? ofNobody : USER[judge(subject)]
  }
}

type Judge = (someone: Parameters<typeof fullId>[0]) => ReturnType<typeof allOf>

const silent: Report = () => {}
const truthOf = (holds: boolean | undefined) => (holds === true ? 'hit' : 'miss')

function plainly(data: unknown, at: Path): Judge {
  const matches = textMatcher(data, at, silent)
  return ({ userId }) => truthOf(matches?.(userId))
}

/** An id that fits by one provider and not by another is nobody's that could be told. */
function byProvider(data: unknown, at: Path, users: UserNames): Judge {
  const entries = isMapping(data) ? Object.entries(data) : [['is', data] as const]
  const whole = Object.fromEntries(entries.filter(([key]) => !OF_PARTS.includes(key)))
  const parts = Object.fromEntries(entries.filter(([key]) => OF_PARTS.includes(key)))
  const matchers = new Map<string | undefined, ReturnType<typeof textMatcher>>()
  const matcherOf = (provider: string | undefined) => {
    let made = matchers.get(provider)
    if (made === undefined) {
      made = textMatcher(whole, at, silent, (text) => fullText(text, users, provider))
      matchers.set(provider, made)
    }
    return made
  }
  const hasWhole = Object.keys(whole).length > 0
  // Now, and not while a request waits.
  if (hasWhole) [users.own, ...users.providers].forEach(matcherOf)
  const ofPart = Object.keys(parts).length > 0 ? textMatcher(parts, at, silent) : undefined
  return (someone) => {
    const provider = providerOf(someone, users)
    const isOwn = provider === users.own && provider !== undefined
    const id = fullId(someone, users)
    const wholeTruth = hasWhole
      ? agreed([...new Set([users.own, provider])].map((of) => truthOf(matcherOf(of)?.(id))))
      : 'hit'
    const partTruth = ofPart === undefined ? 'hit' : truthOf(ofPart(someone.userId))
    return allOf([
      wholeTruth,
      partTruth === 'hit' && ofPart !== undefined && !isOwn && !hasWhole ? 'unknown' : partTruth,
    ])
  }
}

/** Ids that any of several providers may have. */
function reportBare(data: unknown, at: Path, report: Report, users: UserNames): void {
  for (const [key, value] of isMapping(data) ? Object.entries(data) : [['', data] as const]) {
    if (OF_PARTS.includes(key)) continue
    const texts: readonly unknown[] = Array.isArray(value) ? value : [value]
    for (const text of texts.map(String).filter((each) => !isFullId(each, users)))
      report(
        key === '' ? at : [...at, key],
        `"${text}" may be an id at any of several identity providers; write ${choiceOf(users.providers.map((name) => `"${name}/${text}"`))}`,
      )
  }
}
