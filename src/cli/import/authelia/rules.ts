/**
 * Authelia's rules, of which the first that fits decides, as routes and policies of ours.
 *
 * Hosts and paths become routes, which are tried in their order as well. All else becomes a policy. What
 * can't be told apart so is closed.
 *
 * @module
 */
import {
  ALWAYS,
  type Alternatives,
  type Bound,
  both,
  either,
  MOST_ALTERNATIVES,
  NEVER,
  opposite,
  policyFor,
} from './conditions.ts'
import { beforeQuery, relation, wholePath, withoutQuery } from './resources.ts'

/** From the strictest to the most open. */
export const LEVELS = ['deny', 'two_factor', 'one_factor', 'bypass'] as const
export type Level = (typeof LEVELS)[number]

export interface Rule {
  /** Place in the list, from 1; 0 for the default policy. */
  readonly number: number
  readonly level: Level
  /** `*.` at the front stands for any text. */
  readonly domains: readonly string[]
  readonly domainPatterns: readonly RegExp[]
  /** Whether it has hosts that were not understood: it may be for any of them. */
  readonly hasOddDomains: boolean
  readonly resources: readonly string[]
  readonly subjects: Alternatives
  readonly networks: readonly string[]
  readonly methods: readonly string[]
  /** Whether it asks for more, which a policy can't say. */
  readonly hasMore: boolean
}

export interface RuledRoute {
  readonly host: string
  /** Of the whole path; unset: all others of the host. */
  readonly regex: string | undefined
  readonly policy: readonly object[] | undefined
  readonly rules: readonly number[]
  readonly notes: readonly { readonly rule: number; readonly text: string }[]
}

type Note = RuledRoute['notes'][number]

const rankOf = ({ level }: Rule): number => LEVELS.indexOf(level)

/** Whether a rule is for a host. A host with `*` stands for all that no other route takes. */
function isFor(rule: Rule, host: string, exact: ReadonlySet<string>): 'yes' | 'no' | 'unknown' {
  const isWild = host.startsWith('*.')
  if (
    rule.domains.some(
      (domain) => domain === host || (domain.startsWith('*.') && host.endsWith(domain.slice(1))),
    )
  )
    return 'yes'
  if (!isWild && rule.domainPatterns.some((pattern) => pattern.test(host))) return 'yes'
  if (rule.hasOddDomains || (isWild && rule.domainPatterns.length > 0)) return 'unknown'
  // What is under the wildcard and has a rule of its own has a route of its own as well.
  const isElsewhere = rule.domains.every((domain) => exact.has(domain))
  return isElsewhere ? 'no' : 'unknown'
}

const isCertain = (rule: Rule): boolean =>
  rule.subjects.length === 1 &&
  rule.subjects[0]?.length === 0 &&
  rule.networks.length === 0 &&
  rule.methods.length === 0 &&
  !rule.hasMore

/** What a rule asks besides host and path; without its people for somebody who is nobody yet. */
function conditionOf(rule: Rule, bound: Bound, isAnonymous = false): Alternatives {
  const about: Alternatives = [
    [
      ...(rule.networks.length > 0 ? [{ is: 'network', ranges: rule.networks } as const] : []),
      ...(rule.methods.length > 0 ? [{ is: 'method', methods: rule.methods, not: false } as const] : []),
    ],
  ]
  return isAnonymous ? about : both(about, rule.subjects, bound)
}

const isAboutPeople = (rule: Rule): boolean => rule.subjects.some((atoms) => atoms.length > 0)

/** Of a rule with conditions that can't be said, and of what is past the bound: nobody. */
function allowedBy(rules: readonly Rule[], note: (rule: Rule, text: string) => void): Alternatives {
  let allowed: Alternatives = NEVER
  for (const [index, rule] of rules.entries()) {
    if (rule.level === 'deny') continue
    const stricter = rules.slice(0, index).filter((earlier) => rankOf(earlier) < rankOf(rule))
    const isPublic = rule.level === 'bypass' && !isAboutPeople(rule)
    const kinds = isPublic ? (stricter.some(isAboutPeople) ? [true, false] : [true]) : [false]
    for (const isAnonymous of kinds) {
      const bound = { isPassed: false }
      let alternatives = conditionOf(rule, bound, isAnonymous)
      if (!isAnonymous) alternatives = both(alternatives, [[{ is: 'signed-in' }]], bound)
      if (rule.level === 'two_factor') alternatives = both(alternatives, [[{ is: 'second-factor' }]], bound)
      for (const earlier of stricter) {
        const ruledOut = conditionOf(earlier, bound, isAnonymous)
        alternatives = both(alternatives, opposite(ruledOut, bound), bound)
      }
      if (bound.isPassed)
        note(rule, 'has too many combinations with the rules before it: it lets nobody in here')
      else allowed = either(allowed, alternatives)
    }
  }
  if (allowed.length > MOST_ALTERNATIVES * 2) {
    const [first] = rules
    if (first !== undefined)
      note(first, 'and those after it have too many combinations: nobody is let in here')
    return NEVER
  }
  return allowed
}

/** Hosts of the rules: exact ones first, then wildcards, the longer before the shorter. */
function hostsOf(rules: readonly Rule[]): readonly string[] {
  const all = [...new Set(rules.flatMap(({ domains }) => domains))]
  const wild = all.filter((host) => host.startsWith('*.'))
  return [
    ...all.filter((host) => !host.startsWith('*.')),
    ...wild.toSorted((one, other) => other.length - one.length),
  ]
}

/** @param defaults the rule for what no other takes */
export function routesFor(rules: readonly Rule[], defaults: Rule): readonly RuledRoute[] {
  const hosts = hostsOf(rules)
  const known = new Set(hosts)
  return hosts.flatMap((host) => routesOfHost(host, rules, defaults, known))
}

const CLOSED = { level: 'deny', subjects: ALWAYS, networks: [], methods: [], hasMore: false } as const

function routesOfHost(
  host: string,
  rules: readonly Rule[],
  defaults: Rule,
  known: ReadonlySet<string>,
): readonly RuledRoute[] {
  const notes: Note[] = []
  const mine: Rule[] = []
  for (const rule of [...rules, defaults]) {
    const answer = rule === defaults ? 'yes' : isFor(rule, host, known)
    if (answer === 'no') continue
    const isClosed = answer === 'unknown' || rule.hasMore
    if (answer === 'unknown')
      notes.push({ rule: rule.number, text: 'may be for this host or not: from here on nobody is let in' })
    else if (rule.hasMore)
      notes.push({ rule: rule.number, text: 'asks for a query: whoever it is about is not let in' })
    mine.push(isClosed ? { ...rule, ...CLOSED, ...(answer === 'yes' && asksOf(rule)) } : rule)
    if (answer === 'unknown' || (rule.resources.length === 0 && isCertain(rule))) break
  }
  const seen = new Set<string>()
  const regions = mine.flatMap((rule) => rule.resources.map((pattern) => ({ rule, pattern })))
  const routes = regions.flatMap(({ rule, pattern }) => {
    if (seen.has(pattern)) return []
    seen.add(pattern)
    return [routeOfRegion(host, mine, rule, pattern)]
  })
  const rest = routeOf(
    host,
    undefined,
    mine.filter(({ resources }) => resources.length === 0),
    notes,
  )
  return [...routes, rest]
}

const asksOf = ({ subjects, networks, methods }: Rule) => ({ subjects, networks, methods })

/** The paths of one pattern, less those of the patterns before it, which have routes of their own. */
function routeOfRegion(host: string, mine: readonly Rule[], owner: Rule, pattern: string): RuledRoute {
  const notes: Note[] = []
  const path = withoutQuery(pattern)
  if (path === undefined) {
    notes.push({
      rule: owner.number,
      text: `the pattern ${pattern} is about a query: nobody is let in there`,
    })
    return { ...routeOf(host, wholePath(beforeQuery(pattern)), [], notes), rules: [owner.number] }
  }
  const deciding: Rule[] = []
  for (const rule of mine) {
    if (rule.resources.length > 0 && rule !== owner) {
      if (mine.indexOf(rule) < mine.indexOf(owner)) continue
      const relations = rule.resources.map((other) => relation(path, withoutQuery(other) ?? other))
      const isOdd = rule.resources.some((other) => withoutQuery(other) === undefined)
      if (relations.every((each) => each === 'none')) continue
      if (isOdd || !relations.includes('all')) {
        const text = `may meet the paths of rule ${owner.number}, ${pattern}: nobody else is let in there`
        notes.push({ rule: rule.number, text })
        break
      }
    }
    deciding.push(rule)
    if (isCertain(rule)) break
  }
  return routeOf(host, wholePath(path), deciding, notes)
}

function routeOf(
  host: string,
  regex: string | undefined,
  rules: readonly Rule[],
  notes: readonly Note[],
): RuledRoute {
  const more: Note[] = []
  const allowed = allowedBy(rules, ({ number }, text) => more.push({ rule: number, text }))
  return {
    host,
    regex,
    policy: policyFor(allowed),
    rules: rules.map(({ number }) => number),
    notes: [...notes, ...more],
  }
}
