/**
 * What a new configuration changes for the requests of a log: like changes gathered and counted.
 *
 * @module
 */
import type { TraceEntry } from '../../policy/decision.ts'
import type { OpenedConfig } from '../open-config.ts'
import type { LoggedDecision } from '../replay/log-lines.ts'
import type { Replayed } from '../replay/replay.ts'
import { KINDS, type Kind } from './kinds.ts'

export interface Side {
  readonly outcome: string
  readonly reasons: readonly string[]
}

export interface Change {
  readonly kind: Kind
  readonly who: string
  readonly method: string
  readonly url: string
  readonly count: number
  readonly before: Side
  readonly after: Side
  /** Of the new configuration. */
  readonly route: string | undefined
  readonly line: number | undefined
  readonly rules: readonly string[]
  /** An example, to be looked up in the log. */
  readonly decisionId: string
}

export interface Summary {
  readonly decisions: number
  readonly counts: Readonly<Record<Kind, number>>
  /** Decisions that today's configuration would not make any more either. */
  readonly alreadyDifferent: number
  /** Refused or failed before a policy was asked. */
  readonly withoutPolicy: number
  readonly brokenLines: number
  /** Changes beyond those that are listed. */
  readonly unlisted: number
}

/** More of them would fill the memory, and nobody would read them. */
const MOST_GROUPS = 10_000

interface Group {
  readonly change: Change
  readonly paths: PathPattern
  count: number
}

export class Changes {
  readonly #opened: OpenedConfig
  readonly #groups = new Map<string, Group>()
  readonly #counts: Record<Kind, number> = { lose: 0, gain: 0, unknown: 0, observed: 0, other: 0 }
  #unlisted = 0
  decisions = 0
  alreadyDifferent = 0
  withoutPolicy = 0
  brokenLines = 0

  constructor(opened: OpenedConfig) {
    this.#opened = opened
  }

  add(logged: LoggedDecision, before: Side, replayed: Replayed): void {
    const after = sideOf(replayed)
    const kind = replayed.kind === 'unknown' ? 'unknown' : kindOf(before, after)
    if (kind !== undefined) this.#count(kind, logged, before, after, replayed)
    const observed = replayed.kind === 'decided' ? replayed.decision.observed : undefined
    if (observed === undefined || passes(observed) === passes(after)) return
    this.#count('observed', logged, after, observed, replayed)
  }

  get summary(): Summary {
    const { decisions, alreadyDifferent, withoutPolicy, brokenLines } = this
    return {
      decisions,
      counts: this.#counts,
      alreadyDifferent,
      withoutPolicy,
      brokenLines,
      unlisted: this.#unlisted,
    }
  }

  /** Those that lose first, and the most frequent of each kind first. */
  get list(): readonly Change[] {
    return [...this.#groups.values()]
      .map(({ change, count, paths }) => ({ ...change, count, url: change.url + paths.text }))
      .toSorted(
        (a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.count - a.count || compare(a.who, b.who),
      )
  }

  #count(kind: Kind, logged: LoggedDecision, before: Side, after: Side, replayed: Replayed): void {
    this.#counts[kind]++
    const route = replayed.kind === 'unrouted' ? undefined : replayed.route
    const parts = [kind, logged.who, logged.method, logged.host, route?.id, textOf(before), textOf(after)]
    const key = JSON.stringify(parts)
    let group = this.#groups.get(key)
    if (group === undefined) {
      if (this.#groups.size >= MOST_GROUPS) {
        this.#unlisted++
        return
      }
      const change: Change = {
        kind,
        who: logged.who,
        method: logged.method,
        url: `https://${logged.host}`,
        count: 0,
        before,
        after,
        route: route && (route.name ?? route.from),
        line: route?.position.line,
        rules: this.#rulesOf(replayed, after),
        decisionId: logged.id,
      }
      group = { change, paths: new PathPattern(), count: 0 }
      this.#groups.set(key, group)
    }
    group.count++
    group.paths.add(logged.path)
  }

  /** The criteria that the new outcome rests on, with their lines. */
  #rulesOf(replayed: Replayed, { reasons }: Side): readonly string[] {
    if (replayed.kind === 'unrouted' || replayed.decision === undefined) return []
    const { route, decision } = replayed
    const { positions } = this.#opened
    const lineOf = ({ at = [], isShared }: TraceEntry) =>
      (isShared || route === undefined ? positions.of(at) : positions.within(route, at)).line
    const deciding = decision.trace.filter(({ reason }) => reasons.includes(reason))
    return [...new Set(deciding.map((entry) => `line ${lineOf(entry)} ${entry.criterion}`))]
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const textOf = ({ outcome, reasons }: Side): string => `${outcome} ${reasons.join(' ')}`

const passes = ({ outcome }: { readonly outcome: string }): boolean => outcome === 'allow'

function kindOf(before: Side, after: Side): Kind | undefined {
  if (passes(before) !== passes(after)) return passes(after) ? 'gain' : 'lose'
  return before.outcome === after.outcome ? undefined : 'other'
}

const WITHOUT_ROUTE = {
  own: 'own-page',
  none: 'not-found',
  refused: 'refused',
  redirect: 'redirect',
} as const

export function sideOf(replayed: Replayed): Side {
  switch (replayed.kind) {
    case 'decided':
      return replayed.decision
    case 'unrouted':
      return { outcome: WITHOUT_ROUTE[replayed.choice.kind], reasons: [] }
    case 'unknown':
      return { outcome: 'unknown', reasons: replayed.why }
  }
}

/** Paths of like changes as one: what they have in common, up to a slash. */
class PathPattern {
  #common: string | undefined
  #isSeveral = false

  add(path: string): void {
    if (this.#common === undefined) this.#common = path
    else if (!this.#isSeveral && path === this.#common) return
    else {
      this.#isSeveral = true
      while (!path.startsWith(this.#common)) this.#common = this.#common.slice(0, this.#common.length - 1)
      this.#common = this.#common.slice(0, this.#common.lastIndexOf('/') + 1)
    }
  }

  get text(): string {
    return `${this.#common ?? ''}${this.#isSeveral ? '*' : ''}`
  }
}
