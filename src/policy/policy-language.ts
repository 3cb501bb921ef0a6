/**
 * Reads a policy as written into blocks of compiled criteria.
 *
 *     policy    := rule | [rule, …]
 *     rule      := { allow|deny: { and|or|not|nor: [criterion, …], … }, …, mode: enforce|observe }
 *     criterion := { name[/sub-path]: data }
 *
 * Blocks are OR-ed with each other, those of one rule too: `{and: [a], not: [b]}` is "a, or not b".
 *
 * @module
 */
import type { PolicyContext } from './context.ts'
import { type CompiledCriterion, compileCriterion } from './criteria/criteria.ts'
import { isMapping, type Path, type Report } from './problem.ts'
import { choiceOf, suggestion } from './suggestion.ts'

const ACTIONS = ['allow', 'deny'] as const
const OPERATORS = ['and', 'or', 'not', 'nor'] as const
const MODES = ['enforce', 'observe'] as const

export type Action = (typeof ACTIONS)[number]
type Operator = (typeof OPERATORS)[number]

export interface PlacedCriterion extends CompiledCriterion {
  readonly name: string
  readonly at: Path
}

/** The policy that a block is of, where it has a name. */
export interface PolicyName {
  readonly name: string
  readonly isShared?: true
  readonly explanation?: string | undefined
  readonly remediation?: string | undefined
}

export interface Block {
  readonly action: Action
  readonly operator: Operator
  readonly origin?: PolicyName | undefined
  /** Decides nothing: what it would decide is told beside the decision. */
  readonly isObserved?: boolean
  /** Never empty: an empty list contributes nothing, not even the vacuous truth of `and`. */
  readonly criteria: readonly PlacedCriterion[]
}

/** @param at where the value stands */
export function readPolicy(
  policy: unknown,
  at: Path,
  context: PolicyContext,
  report: Report,
): readonly Block[] {
  const reader = new PolicyReader(context, report)
  if (!Array.isArray(policy)) return reader.readRule(policy, at)
  return policy.flatMap((rule: unknown, index) => reader.readRule(rule, [...at, index]))
}

type ReadKey<Key> = (key: Key, value: unknown, at: Path) => readonly Block[]

class PolicyReader {
  readonly #context: PolicyContext
  readonly #report: Report

  constructor(context: PolicyContext, report: Report) {
    this.#context = context
    this.#report = report
  }

  readRule(rule: unknown, at: Path): readonly Block[] {
    if (!isMapping(rule) || !Object.hasOwn(rule, 'mode')) return this.#readActions(rule, at)
    const { mode, ...actions } = rule
    if (!MODES.some((known) => known === mode)) this.#report([...at, 'mode'], `must be ${choiceOf(MODES)}`)
    if (Object.keys(actions).length === 0) this.#report(at, `must be a mapping with ${choiceOf(ACTIONS)}`)
    const blocks = this.#readActions(actions, at)
    return mode === 'observe' ? blocks.map((block) => ({ ...block, isObserved: true })) : blocks
  }

  #readActions(rule: unknown, at: Path): readonly Block[] {
    return this.#readMapping(rule, ACTIONS, 'action', at, (action, body, bodyAt) =>
      this.#readMapping(body, OPERATORS, 'operator', bodyAt, (operator, criteria, listAt) =>
        this.#readBlock(action, operator, criteria, listAt),
      ),
    )
  }

  #readMapping<Key extends string>(
    value: unknown,
    keys: readonly Key[],
    what: string,
    at: Path,
    read: ReadKey<Key>,
  ): readonly Block[] {
    if (!isMapping(value)) {
      this.#report(at, `must be a mapping with ${choiceOf(keys)}`)
      return []
    }
    return Object.entries(value).flatMap(([name, entry]) => {
      const key = keys.find((known) => known === name)
      if (key !== undefined) return read(key, entry, [...at, name])
      this.#report([...at, name], `unknown ${what} "${name}"${suggestion(name, keys)}`)
      return []
    })
  }

  #readBlock(action: Action, operator: Operator, list: unknown, at: Path): readonly Block[] {
    if (!Array.isArray(list)) {
      this.#report(at, 'must be a list of criteria, even for one: put "- " before it')
      return []
    }
    const criteria = list.flatMap((item: unknown, index) => this.#readCriterion(item, [...at, index]) ?? [])
    return criteria.length === 0 ? [] : [{ action, operator, criteria }]
  }

  #readCriterion(item: unknown, at: Path): PlacedCriterion | undefined {
    const [entry, ...others] = isMapping(item) ? Object.entries(item) : []
    if (entry === undefined) {
      this.#report(
        at,
        typeof item === 'string'
          ? `needs a value: write "${item}: …"`
          : 'must be a mapping with one criterion',
      )
      return undefined
    }
    if (others.length > 0) {
      this.#report(at, `holds ${others.length + 1} criteria; give each its own "- "`)
      return undefined
    }
    const [name, data] = entry
    if (OPERATORS.some((operator) => operator === name)) {
      this.#report(
        [...at, name],
        `operators can't stand inside one another; "${name}" belongs under allow or deny`,
      )
      return undefined
    }
    // Kept for each criterion. Spread would leave it room to grow, thrice its length.
    const place = at.concat(name)
    const compiled = compileCriterion(name, data, place, this.#report, this.#context)
    return compiled && { ...compiled, name, at: place }
  }
}
