/**
 * What a kind of criterion is: how its data is compiled, what it looks at, and what the reference says of it.
 *
 * @module
 */
import type { Need, PolicyContext } from '../context.ts'
import type { ReadFact } from '../decision.ts'
import type { LeftOut } from '../left-out.ts'
import type { Criterion, Reason } from '../outcome.ts'
import type { Path, Report } from '../problem.ts'

/** What a compiler may use beside the data. */
export interface Surroundings {
  /** What follows the slash in the name: `department` of `claim/department`. */
  readonly subPath: string
  readonly context: PolicyContext
}

/** `undefined` when the data is wrong, which was reported. */
export type CompileData = (
  data: unknown,
  at: Path,
  report: Report,
  surroundings: Surroundings,
) => Criterion | undefined

/** What a criterion looks at. */
export interface Reading {
  readonly reads?: readonly ReadFact[]
  readonly readsSubject?: boolean
}

export interface Kind extends Reading {
  /** Ends the sentence "It holds when …", for the reference. */
  readonly holds: string
  /** What is written behind its name, in words. */
  readonly data: string
  /** Data that can stand there; the reference shows it and a test compiles it. */
  readonly example: unknown
  /** Every word that it can give as its reason. */
  readonly reasons: readonly Reason[]
  readonly compile: CompileData
  /** Where what it looks at depends on the data. */
  readonly readingOf?: (data: unknown, context: PolicyContext) => Reading
  readonly needsHeaders?: readonly string[]
  /** What a name continues with after its slash: `claim/<path>`. */
  readonly subPath?: string
  /** Whether the texts that it compares with are groups. */
  readonly comparesGroups?: (subPath: string) => boolean
  /** What it comes to of people of whom the provider does not send what it asks for, where that may be. */
  readonly leftOut?: (data: unknown, subPath: string, context: PolicyContext) => LeftOut | undefined
  /** The setting without which it can't be decided. */
  readonly needs?: Need
}

/** Kinds by the names under which policies ask for them. */
export type Kinds = Readonly<Record<string, Kind>>

/** What stands for the data of a criterion that takes none. */
export const NO_DATA = { data: 'anything but `false`', example: true }

/**
 * The data of these criteria is ignored, so `accept: 1` and `accept: true` are the same. A `false` would be
 * too, and would then mean the opposite of what it says.
 */
export function withoutData(test: Criterion): CompileData {
  return (data, at, report) => {
    if (data !== false) return test
    report(at, 'takes no condition, so false would mean the same as true; put it under "not" instead')
    return undefined
  }
}
