/**
 * From the outcome of each criterion to a Decision. Nothing here knows what a criterion looks at.
 *
 * Truth is Kleene's: unknown is neither true nor false and only a branch that settles the matter alone can
 * outweigh it. So unknown never allows, and a deny rule that comes out unknown denies.
 *
 * @module
 */
import type { Advice, CompiledPolicy, Decision, PolicyOutcome, TraceEntry, Truth } from './decision.ts'
import { type Outcome, STRANGER, UNIDENTIFIED } from './outcome.ts'
import type { Action, Block, PolicyName } from './policy-language.ts'

/** One block over the flat list of criteria: those from `start` up to `end`. */
interface Span {
  readonly isConjunction: boolean
  readonly isNegated: boolean
  readonly start: number
  readonly end: number
  readonly origin: PolicyName | undefined
}

type Spans = readonly Span[]
type Rules = Readonly<Record<Action, Spans>>
type Row = Omit<TraceEntry, 'truth' | 'reason'>

interface Finding {
  readonly outcome: PolicyOutcome
  readonly reasons: readonly string[]
  /** The rules that brought it about. */
  readonly decisive: Spans
  readonly action: Action
}

const WHO = UNIDENTIFIED.reason

/** A connection without the right certificate is no matter of who signs in over it. */
const OF_THE_CONNECTION: readonly string[] = ['client-certificate-required', 'invalid-client-certificate']

export function judgeBy(blocks: readonly Block[]): CompiledPolicy['decide'] {
  const rows = blocks.flatMap(rowsOf)
  const tests = blocks.flatMap(({ criteria }) => criteria.map(({ test }) => test))
  const isObserving = blocks.some(({ isObserved }) => isObserved)
  const all = spansOf(blocks, () => true)
  const enforced = isObserving ? spansOf(blocks, ({ isObserved }) => isObserved !== true) : all

  // The decision follows from these two alone, and most requests to a route come to the same.
  let latest: { outcomes: readonly Outcome[]; isAnonymous: boolean; judged: Decision } | undefined

  return (subject, request) => {
    const outcomes = tests.map((test) => test(subject, request))
    const isAnonymous = subject.kind === 'anonymous'
    if (latest?.isAnonymous === isAnonymous && isSame(latest.outcomes, outcomes)) return latest.judged
    const observed = isObserving ? judge(all, outcomes, isAnonymous) : undefined
    const judged = decision(judge(enforced, outcomes, isAnonymous), observed, rows, outcomes)
    latest = { outcomes, isAnonymous, judged }
    return judged
  }
}

function rowsOf({ action, origin, isObserved, criteria }: Block): readonly Row[] {
  const ofAll = {
    action,
    ...(origin && { policy: origin.name }),
    ...(origin?.isShared && { isShared: true as const }),
    ...(isObserved && { mode: 'observe' as const }),
  }
  return criteria.map(({ name, at }) => ({ ...ofAll, criterion: name, at }))
}

function judge(rules: Rules, outcomes: readonly Outcome[], isAnonymous: boolean): Finding {
  const allow = truthOf(rules.allow, outcomes, 'unknown')
  const deny = truthOf(rules.deny, outcomes, 'miss')

  const denied = deny === 'hit' ? reasonsOf('deny', rules.deny, outcomes, 'miss', deny) : []
  if (denied.some((reason) => OF_THE_CONNECTION.includes(reason))) return found('deny', denied, 'deny', deny)

  // before deny rules, so that a private route gives every stranger the same answer
  const allowReasons = reasonsOf('allow', rules.allow, outcomes, 'unknown', allow)
  if (allow !== 'hit' && isAnonymous && asksWho(allowReasons))
    return found('sign-in', allowReasons, 'allow', allow)
  if (deny === 'hit' || (deny === 'unknown' && allow === 'hit')) {
    const reasons = deny === 'hit' ? denied : reasonsOf('deny', rules.deny, outcomes, 'miss', deny)
    const maySignIn =
      isAnonymous && allow === 'hit' && asksWho(reasons) && letsSomebodyPass(rules.deny, outcomes)
    return found(maySignIn ? 'sign-in' : 'deny', reasons, 'deny', deny)
  }
  return found(allow === 'hit' ? 'allow' : 'deny', allowReasons, 'allow', allow)

  function found(outcome: PolicyOutcome, reasons: readonly string[], action: Action, result: Truth): Finding {
    const stranger = action === 'allow' ? 'unknown' : 'miss'
    return {
      outcome,
      reasons,
      action,
      get decisive() {
        return rules[action].filter((span) =>
          contributes(outerTruth(span, outcomes, stranger), result, action),
        )
      },
    }
  }
}

/** Of one policy: both lists have a row per criterion. */
function isSame(some: readonly Outcome[], others: readonly Outcome[]): boolean {
  for (let index = 0; index < some.length; index++) if (some[index] !== others[index]) return false
  return true
}

function decision(
  finding: Finding,
  observed: Finding | undefined,
  rows: readonly Row[],
  outcomes: readonly Outcome[],
): Decision {
  const { outcome, reasons } = finding
  let trace: readonly TraceEntry[] | undefined
  return {
    outcome,
    reasons,
    observed: observed && { outcome: observed.outcome, reasons: observed.reasons },
    // made when they are looked at: `explain` and the denial page do, the hot path does not
    get trace() {
      trace ??= rows.map((row, index) => ({ ...row, ...(outcomes[index] ?? UNIDENTIFIED) }))
      return trace
    },
    get advice() {
      return outcome === 'allow' ? [] : adviceOf(finding.decisive)
    },
    get waysIn() {
      if (outcome === 'allow' || finding.action === 'deny') return []
      return finding.decisive.flatMap((span) => waysThrough(span, outcomes))
    },
  }
}

function adviceOf(spans: Spans): readonly Advice[] {
  const origins = new Set(spans.flatMap(({ origin }) => origin ?? []))
  return [...origins].flatMap(({ name: policy, explanation, remediation }) =>
    explanation === undefined && remediation === undefined ? [] : [{ policy, explanation, remediation }],
  )
}

/** Whether one of its criteria would do, or all of them are needed, is the matter of a block. */
function waysThrough(span: Span, outcomes: readonly Outcome[]): readonly (readonly string[])[] {
  const { isConjunction, isNegated, start, end } = span
  const wanted: Truth = isNegated ? 'miss' : 'hit'
  const lacking = outcomes.slice(start, end).filter((outcome) => truthFor(outcome, 'unknown') !== wanted)
  const reasons = [...new Set(lacking.map(({ reason }) => reason))]
  // "none of them" wants all to miss, and "not all of them" one
  return isConjunction !== isNegated ? [reasons] : reasons.map((reason) => [reason])
}

function spansOf(blocks: readonly Block[], isTaken: (block: Block) => boolean): Rules {
  const spans: Record<Action, Span[]> = { allow: [], deny: [] }
  let start = 0
  for (const block of blocks) {
    const { action, operator, criteria, origin } = block
    const end = start + criteria.length
    // `not` is "none of them", the opposite of `or`; `nor` is "not all of them", the opposite of `and`
    const isConjunction = operator === 'and' || operator === 'nor'
    const isNegated = operator === 'not' || operator === 'nor'
    if (isTaken(block)) spans[action].push({ isConjunction, isNegated, start, end, origin })
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
function truthOf(rules: Spans, outcomes: readonly Outcome[], stranger: Truth): Truth {
  let truth: Truth = 'miss'
  for (const span of rules) {
    const outer = outerTruth(span, outcomes, stranger)
    if (outer === 'hit') return 'hit'
    if (outer === 'unknown') truth = 'unknown'
  }
  return truth
}

function outerTruth(
  span: Span,
  outcomes: readonly Outcome[],
  stranger: Truth,
  unidentified: Truth = 'unknown',
): Truth {
  const inner = innerTruth(span, outcomes, stranger, unidentified)
  return span.isNegated ? opposite(inner) : inner
}

/**
 * Whether deny rules would leave anybody alone who signs in. If they deny whoever it is, or something else
 * than who it is leaves them undecided, there is nothing to be gained by signing in.
 */
function letsSomebodyPass(rules: Spans, outcomes: readonly Outcome[]): boolean {
  return rules.every((span) => outerTruth(span, outcomes, 'hit', span.isNegated ? 'hit' : 'miss') === 'miss')
}

/** The truth of a block before `not` and `nor` turn it round. */
function innerTruth(
  { isConjunction, start, end }: Span,
  outcomes: readonly Outcome[],
  stranger: Truth,
  unidentified: Truth = 'unknown',
): Truth {
  const settling: Truth = isConjunction ? 'miss' : 'hit'
  let truth: Truth = isConjunction ? 'hit' : 'miss'
  for (let index = start; index < end; index++) {
    const each = truthFor(outcomes[index], stranger, unidentified)
    if (each === settling) return settling
    if (each !== truth) truth = 'unknown'
  }
  return truth
}

function truthFor(outcome: Outcome | undefined, stranger: Truth, unidentified: Truth = 'unknown'): Truth {
  if (outcome === STRANGER) return stranger
  if (outcome === UNIDENTIFIED) return unidentified
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
  rules: Spans,
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

/**
 * What misses holds back an undecided allow rule as well; an undecided deny rule denies by the unknown alone.
 */
function contributes(truth: Truth, result: Truth, action: Action): boolean {
  return truth === result || (action === 'allow' && result === 'unknown' && truth === 'miss')
}

function asksWho(reasons: readonly string[]): boolean {
  return reasons.includes(WHO)
}
