/**
 * Reads a policy as written into blocks of compiled criteria.
 *
 *     policy    := rule | [rule, …]
 *     rule      := { allow|deny: { and|or|not|nor: [criterion, …], … }, … }
 *     criterion := { name[/sub-path]: data }
 *
 * Blocks are OR-ed with each other, those of one rule too: `{and: [a], not: [b]}` is "a, or not b".
 *
 * @module
 */
import { type CompiledCriterion, compileCriterion } from './criteria.ts'
import { isMapping, type Path, type Report } from './problem.ts'
import { choiceOf, suggestion } from './suggestion.ts'

const ACTIONS = ['allow', 'deny'] as const
const OPERATORS = ['and', 'or', 'not', 'nor'] as const

export type Action = (typeof ACTIONS)[number]
type Operator = (typeof OPERATORS)[number]

export interface PlacedCriterion extends CompiledCriterion {
  readonly name: string
  readonly at: Path
}

export interface Block {
  readonly action: Action
  readonly operator: Operator
  /** Never empty: an empty list contributes nothing, not even the vacuous truth of `and`. */
  readonly criteria: readonly PlacedCriterion[]
}

/** @param at where the value stands in the route */
export function readPolicy(policy: unknown, at: Path, report: Report): readonly Block[] {
  if (Array.isArray(policy)) {
    return policy.flatMap((rule: unknown, index) => readRule(rule, [...at, index], report))
  }
  return readRule(policy, at, report)
}

function readRule(rule: unknown, at: Path, report: Report): readonly Block[] {
  return readMapping(rule, ACTIONS, 'action', at, report, (action, body, bodyAt) =>
    readMapping(body, OPERATORS, 'operator', bodyAt, report, (operator, criteria, listAt) =>
      readBlock(action, operator, criteria, listAt, report),
    ),
  )
}

function readMapping<Key extends string>(
  value: unknown,
  keys: readonly Key[],
  what: string,
  at: Path,
  report: Report,
  read: (key: Key, value: unknown, at: Path) => readonly Block[],
): readonly Block[] {
  if (!isMapping(value)) {
    report(at, `must be a mapping with ${choiceOf(keys)}`)
    return []
  }
  return Object.entries(value).flatMap(([name, entry]) => {
    const key = keys.find((known) => known === name)
    if (key !== undefined) return read(key, entry, [...at, name])
    report([...at, name], `unknown ${what} "${name}"${suggestion(name, keys)}`)
    return []
  })
}

function readBlock(
  action: Action,
  operator: Operator,
  list: unknown,
  at: Path,
  report: Report,
): readonly Block[] {
  if (!Array.isArray(list)) {
    report(at, 'must be a list of criteria, even for one: put "- " before it')
    return []
  }
  const criteria = list.flatMap((item: unknown, index) => readCriterion(item, [...at, index], report) ?? [])
  return criteria.length === 0 ? [] : [{ action, operator, criteria }]
}

function readCriterion(item: unknown, at: Path, report: Report): PlacedCriterion | undefined {
  const [entry, ...others] = isMapping(item) ? Object.entries(item) : []
  if (entry === undefined) {
    report(
      at,
      typeof item === 'string' ? `needs a value: write "${item}: …"` : 'must be a mapping with one criterion',
    )
    return undefined
  }
  if (others.length > 0) {
    report(at, `holds ${others.length + 1} criteria; give each its own "- "`)
    return undefined
  }
  const [name, data] = entry
  const compiled = compileCriterion(name, data, [...at, name], report)
  return compiled && { ...compiled, name, at: [...at, name] }
}
