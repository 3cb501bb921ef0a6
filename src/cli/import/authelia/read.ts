/**
 * Authelia's file, as far as it says who may go where.
 *
 * @module
 */
import { isKeyed } from '../../../config/file/yaml-file.ts'
import { isHostName } from '../../../config/values/host-name.ts'
import { compileRe2, unicodeRe2Problem } from '../../../config/values/regex.ts'
import type { Remarks } from '../draft.ts'
import { ALWAYS, type Alternatives, type Atom } from './conditions.ts'
import { rangeOf } from './networks.ts'
import { LEVELS, type Level, type Rule } from './rules.ts'

type Keyed = Readonly<Record<string, unknown>>

export const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce((found: unknown, key) => (isKeyed(found) ? found[key] : undefined), value)

export const textsOf = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value])
    .filter((text) => typeof text === 'string' || typeof text === 'number')
    .map(String)

const levelOf = (value: unknown): Level | undefined => LEVELS.find((level) => level === value)

/** What a rule may hold. */
const KEYS: ReadonlySet<string> = new Set([
  'domain',
  'domain_regex',
  'policy',
  'subject',
  'networks',
  'resources',
  'methods',
  'query',
])

const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'TRACE',
  'CONNECT',
  'OPTIONS',
  'COPY',
  'LOCK',
  'MKCOL',
  'MOVE',
  'PROPFIND',
  'PROPPATCH',
  'UNLOCK',
]

export interface AccessControl {
  readonly rules: readonly Rule[]
  readonly defaults: Rule
  readonly usesSecondFactor: boolean
}

export function readAccessControl(
  document: Keyed,
  remarks: Remarks,
  lineOf: (path: readonly (string | number)[]) => number | undefined,
): AccessControl {
  const control = at(document, 'access_control')
  const networks = namedNetworks(document, control)
  const defaults = levelOf(at(control, 'default_policy') ?? 'deny')
  if (defaults === undefined)
    remarks.add('access_control.default_policy', 'is not known; nobody is let in by it')
  const listed = at(control, 'rules')
  const rules = (Array.isArray(listed) ? listed : []).map((raw: unknown, index) => {
    const line = lineOf(['access_control', 'rules', index])
    const say = (text: string) => remarks.add(`access_control.rules[${index}]`, text, line)
    return readRule(raw, index + 1, networks, say)
  })
  const all = [...rules, ruleOf(0, defaults ?? 'deny')]
  return {
    rules,
    defaults: ruleOf(0, defaults ?? 'deny'),
    usesSecondFactor: all.some(({ level }) => level === 'two_factor'),
  }
}

/** Two places, by the version of Authelia. */
function namedNetworks(document: Keyed, control: unknown): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  const older = at(control, 'networks')
  for (const entry of Array.isArray(older) ? older : [])
    for (const name of textsOf(at(entry, 'name'))) found.set(name, textsOf(at(entry, 'networks')))
  const newer = at(document, 'definitions', 'network')
  if (isKeyed(newer)) for (const [name, ranges] of Object.entries(newer)) found.set(name, textsOf(ranges))
  return found
}

const ruleOf = (number: number, level: Level): Rule => ({
  number,
  level,
  domains: [],
  domainPatterns: [],
  hasOddDomains: false,
  resources: [],
  subjects: ALWAYS,
  networks: [],
  methods: [],
  hasMore: false,
})

function readRule(
  raw: unknown,
  number: number,
  named: ReadonlyMap<string, readonly string[]>,
  say: (text: string) => void,
): Rule {
  const closed = { ...ruleOf(number, 'deny'), hasOddDomains: true }
  if (!isKeyed(raw)) {
    say('is no rule that is understood: it closes what comes after it')
    return closed
  }
  const level = levelOf(raw['policy'])
  const unknown = Object.keys(raw).filter((key) => !KEYS.has(key))
  if (level === undefined) say('has no policy that is known: whoever it is about is not let in')
  for (const key of unknown)
    say(`has the key ${key}, which is not known: whoever the rule is about is not let in`)

  const domains = textsOf(raw['domain']).map((domain) => domain.toLowerCase())
  const good = domains.filter((domain) => isHostName(domain.replace(/^\*\./, '')))
  for (const domain of domains)
    if (!good.includes(domain))
      say(
        `the host ${domain} depends on who asks or is no host: hosts that it may mean are closed. Templates must be filled in before`,
      )
  const patterns = textsOf(raw['domain_regex']).map(domainPattern)
  if (raw['domain_regex'] !== undefined && good.length === 0)
    say('has only domain_regex: hosts that no other rule names get no route; name them here')
  if (domains.length === 0 && patterns.length === 0)
    say('names no host: all hosts that it may mean are closed')

  const ranges = textsOf(raw['networks']).flatMap((name) => named.get(name) ?? [name])
  const known = ranges.map(rangeOf)
  const resources = textsOf(raw['resources'])
  const odd = resources.filter((text) => unicodeRe2Problem(text) !== undefined || 'wrong' in compileRe2(text))
  for (const text of odd) say(`the pattern ${text} can't be read: the rule closes its hosts`)
  const methods = textsOf(raw['methods']).map((method) => method.toUpperCase())
  const subjects = subjectsOf(raw['subject'], say)
  const hasMore =
    unknown.length > 0 ||
    raw['query'] !== undefined ||
    subjects === undefined ||
    known.includes(undefined) ||
    methods.some((method) => !METHODS.includes(method))
  if (known.includes(undefined)) say('has a network that is not known: whoever it is about is not let in')
  return {
    number,
    level: level ?? 'deny',
    domains: good,
    domainPatterns: patterns.filter((pattern) => pattern !== undefined),
    hasOddDomains:
      good.length < domains.length || patterns.includes(undefined) || domains.length + patterns.length === 0,
    // Of a rule that is not understood all paths are closed.
    resources: odd.length > 0 ? [] : resources,
    subjects: subjects ?? ALWAYS,
    networks: known.includes(undefined) ? [] : known.filter((range) => range !== undefined),
    methods: methods.every((method) => METHODS.includes(method)) ? methods : [],
    hasMore: hasMore || odd.length > 0,
  }
}

/** `undefined` where it depends on who asks, or can't be read. */
function domainPattern(text: string): RegExp | undefined {
  if (/\(\?P?<(?:User|Group)>/.test(text)) return undefined
  try {
    return new RegExp(text.replaceAll('(?P<', '(?<'), 'i')
  } catch {
    return undefined
  }
}

/** A list of alternatives; an alternative is one text, or a list of texts that must all hold. */
function subjectsOf(value: unknown, say: (text: string) => void): Alternatives | undefined {
  if (value === undefined || value === null) return ALWAYS
  const alternatives = Array.isArray(value) ? value : [value]
  if (alternatives.length === 0) return ALWAYS
  const read = alternatives.map((alternative: unknown) =>
    textsOf(alternative).map((text) => atomOf(text, say)),
  )
  if (read.some((atoms) => atoms.length === 0 || atoms.includes(undefined))) return undefined
  return read.map((atoms) => atoms.filter((atom) => atom !== undefined))
}

function atomOf(text: string, say: (text: string) => void): Atom | undefined {
  const [, kind, name] = /^(user|group):(.+)$/.exec(text) ?? []
  if (name !== undefined && (kind === 'user' || kind === 'group')) return { is: kind, name, not: false }
  say(`the subject ${text} can't be told here: whoever the rule is about is not let in`)
  return undefined
}
