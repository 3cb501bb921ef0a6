/**
 * From the outcome of each criterion to a Decision. Nothing here knows what a criterion looks at.
 *
 * Truth is Kleene's: unknown is neither true nor false and only a branch that settles the matter alone can
 * outweigh it. So unknown never allows, and a deny rule that comes out unknown denies.
 *
 * @module
 */
import type { CompiledPolicy, Decision, TraceEntry, Truth } from './decision.ts'
import { type Outcome, STRANGER, UNIDENTIFIED } from './outcome.ts'
import type { Action, Block } from './policy-language.ts'

/** One block over the flat list of criteria: those from `start` up to `end`. */
interface Span {
  readonly isConjunction: boolean
  readonly isNegated: boolean
  readonly start: number
  readonly end: number
}

type Rules = readonly Span[]
type Row = Pick<TraceEntry, 'action' | 'criterion' | 'at'>

const WHO = UNIDENTIFIED.reason

export function judgeBy(blocks: readonly Block[]): CompiledPolicy['decide'] {
  const rows: readonly Row[] = blocks.flatMap(({ action, criteria }) =>
    criteria.map(({ name, at }) => ({ action, criterion: name, at })),
  )
  const tests = blocks.flatMap(({ criteria }) => criteria.map(({ test }) => test))
  const { allow: allowRules, deny: denyRules } = spansOf(blocks)

  // The decision follows from these two alone, and most requests to a route come to the same.
  let latest: { outcomes: readonly Outcome[]; isAnonymous: boolean; judged: Decision } | undefined

  return (subject, request) => {
    const outcomes = tests.map((test) => test(subject, request))
    const isAnonymous = subject.kind === 'anonymous'
    if (latest?.isAnonymous === isAnonymous && isSame(latest.outcomes, outcomes)) return latest.judged
    const judged = judge(outcomes, isAnonymous)
    latest = { outcomes, isAnonymous, judged }
    return judged
  }

  function judge(outcomes: readonly Outcome[], isAnonymous: boolean): Decision {
    const allow = truthOf(allowRules, outcomes, 'unknown')
    const deny = truthOf(denyRules, outcomes, 'miss')

    // first, so that a private route gives every stranger the same answer
    const allowReasons = reasonsOf('allow', allowRules, outcomes, 'unknown', allow)
    if (allow !== 'hit' && isAnonymous && asksWho(allowReasons)) {
      return decision('sign-in', allowReasons, rows, outcomes)
    }
    if (deny === 'hit' || (deny === 'unknown' && allow === 'hit')) {
      const reasons = reasonsOf('deny', denyRules, outcomes, 'miss', deny)
      // of a rule that denies whoever signs in, too, there is nothing to be learnt by signing in
      const whoDecides = asksWho(reasons) && truthOf(denyRules, outcomes, 'hit') !== 'hit'
      const maySignIn = isAnonymous && allow === 'hit' && whoDecides
      return decision(maySignIn ? 'sign-in' : 'deny', reasons, rows, outcomes)
    }
    return decision(allow === 'hit' ? 'allow' : 'deny', allowReasons, rows, outcomes)
  }
}

/** Of one policy: both lists have a row per criterion. */
function isSame(some: readonly Outcome[], others: readonly Outcome[]): boolean {
  for (let index = 0; index < some.length; index++) if (some[index] !== others[index]) return false
  return true
}

function decision(
  outcome: Decision['outcome'],
  reasons: readonly string[],
  rows: readonly Row[],
  outcomes: readonly Outcome[],
): Decision {
  let trace: readonly TraceEntry[] | undefined
  return {
    outcome,
    reasons,
    // made when it is looked at: `explain` and the denial page do, the hot path does not
    get trace() {
      trace ??= rows.map((row, index) => ({ ...row, ...(outcomes[index] ?? UNIDENTIFIED) }))
      return trace
    },
  }
}

function spansOf(blocks: readonly Block[]): { readonly allow: Rules; readonly deny: Rules } {
  const spans: { allow: Span[]; deny: Span[] } = { allow: [], deny: [] }
  let start = 0
  for (const { action, operator, criteria } of blocks) {
    const end = start + criteria.length
    // `not` is "none of them", the opposite of `or`; `nor` is "not all of them", the opposite of `and`
    const isConjunction = operator === 'and' || operator === 'nor'
    const isNegated = operator === 'not' || operator === 'nor'
    spans[action].push({ isConjunction, isNegated, start, end })
    start = end
  }
  return spans
}

/**
 * Blocks are OR-ed.
 *
 * @param stranger what "are you signed in?" counts as for somebody who is not: `miss` as things stand, `hit`
 * once they will be, `unknown` where neither may decide
 */
function truthOf(rules: Rules, outcomes: readonly Outcome[], stranger: Truth): Truth {
  let truth: Truth = 'miss'
  for (const span of rules) {
    const inner = innerTruth(span, outcomes, stranger)
    const outer = span.isNegated ? opposite(inner) : inner
    if (outer === 'hit') return 'hit'
    if (outer === 'unknown') truth = 'unknown'
  }
  return truth
}

/** The truth of a block before `not` and `nor` turn it round. */
function innerTruth(
  { isConjunction, start, end }: Span,
  outcomes: readonly Outcome[],
  stranger: Truth,
): Truth {
  const settling: Truth = isConjunction ? 'miss' : 'hit'
  let truth: Truth = isConjunction ? 'hit' : 'miss'
  for (let index = start; index < end; index++) {
    const each = truthFor(outcomes[index], stranger)
    if (each === settling) return settling
    if (each !== truth) truth = 'unknown'
  }
  return truth
}

function truthFor(outcome: Outcome | undefined, stranger: Truth): Truth {
  if (outcome === STRANGER) return stranger
  return outcome?.truth ?? 'unknown'
}

function opposite(truth: Truth): Truth {
  if (truth === 'unknown') return 'unknown'
  return truth === 'hit' ? 'miss' : 'hit'
}

/**
 * The reasons of the branches that made the result, in alphabetical order. `not` and `nor` keep them as they
 * were before turning.
 *
 * An allow rule that misses also says that somebody is not signed in, even if another criterion missed for
 * good: what a stranger lacks is an identity first.
 */
function reasonsOf(
  action: Action,
  rules: Rules,
  outcomes: readonly Outcome[],
  stranger: Truth,
  result: Truth,
): readonly string[] {
  const reasons: string[] = []
  for (const span of rules) {
    const inner = innerTruth(span, outcomes, stranger)
    if (!contributes(span.isNegated ? opposite(inner) : inner, result, action)) continue
    const asks = action === 'allow' && result !== 'hit' && inner !== 'hit'
    for (let index = span.start; index < span.end; index++) {
      const outcome = outcomes[index]
      if (outcome === undefined || reasons.includes(outcome.reason)) continue
      const isKept = contributes(truthFor(outcome, stranger), inner, action)
      if (isKept || (asks && outcome.reason === WHO)) reasons.push(outcome.reason)
    }
  }
  return reasons.length > 1 ? reasons.toSorted() : reasons
}

/** What misses holds back an undecided allow rule as well; an undecided deny rule denies by the unknown alone. */
function contributes(truth: Truth, result: Truth, action: Action): boolean {
  return truth === result || (action === 'allow' && result === 'unknown' && truth === 'miss')
}

function asksWho(reasons: readonly string[]): boolean {
  return reasons.includes(WHO)
}
