/**
 * The criteria of the policy language, by name.
 *
 * To add one: a row in the table of its topic, its reasons in `outcome.ts`, its words in `missing.ts`, cases in
 * `conformance/`; `npm run gen` puts it into the reference.
 *
 * @module
 */
import { CERTIFICATE_CRITERIA } from './certificate-criteria.ts'
import type { Need, PolicyContext } from './context.ts'
import { IDENTITY_CRITERIA } from './identity-criteria.ts'
import { type Kind, type Kinds, NO_DATA, type Reading, withoutData } from './kind.ts'
import { comparedTexts } from './matchers.ts'
import { type Criterion, hit, miss } from './outcome.ts'
import type { Path, Report } from './problem.ts'
import { REQUEST_CRITERIA } from './request-criteria.ts'
import { suggestion } from './suggestion.ts'

export interface CompiledCriterion extends Required<Reading> {
  readonly kind: Kind
  readonly test: Criterion
  readonly mentionedGroups: readonly string[]
}

const CONSTANTS: Kinds = {
  accept: {
    holds: 'always',
    ...NO_DATA,
    reasons: ['accept'],
    compile: withoutData(() => ACCEPT),
  },
  reject: {
    holds: 'never',
    ...NO_DATA,
    reasons: ['reject'],
    compile: withoutData(() => REJECT),
  },
}

const ACCEPT = hit('accept')
const REJECT = miss('reject')

/** In the order of the reference page. */
export const CRITERIA_SECTIONS: readonly { readonly title: string; readonly kinds: Kinds }[] = [
  { title: 'Always and never', kinds: CONSTANTS },
  { title: 'Who asks', kinds: IDENTITY_CRITERIA },
  { title: 'What is asked', kinds: REQUEST_CRITERIA },
  { title: 'Client certificates', kinds: CERTIFICATE_CRITERIA },
]

const KINDS: Kinds = Object.assign({}, ...CRITERIA_SECTIONS.map(({ kinds }) => kinds))

/** Known by name, so that a policy moved here says what is left out rather than that it is misspelt. */
const NOT_YET = [
  'device',
  'ssh_username',
  'ssh_username_matches_email',
  'ssh_username_matches_claim',
  'ssh_publickey',
  'ssh_ca',
  'mcp_tool',
  'date',
  'day_of_week',
  'time_of_day',
  'record',
]

/** @param name the whole key, such as `groups` or `claim/department` */
export function compileCriterion(
  name: string,
  data: unknown,
  at: Path,
  report: Report,
  context: PolicyContext,
): CompiledCriterion | undefined {
  const slash = name.indexOf('/')
  const base = slash < 0 ? name : name.slice(0, slash)
  const subPath = slash < 0 ? '' : name.slice(slash + 1)
  const kind = Object.hasOwn(KINDS, base) ? KINDS[base] : undefined
  const problem = kind === undefined ? unknownName(base) : nameProblem(kind, base, slash >= 0, subPath)
  if (kind === undefined || problem !== undefined) {
    report(at, problem ?? '')
    return undefined
  }
  if (kind.needs !== undefined && context.lacks?.includes(kind.needs) === true)
    report(at, lacking(kind.needs))
  const test = kind.compile(data, at, report, { subPath, context })
  if (test === undefined) return undefined
  const { reads = [], readsSubject = false } = kind.readingOf?.(data, context) ?? kind
  const mentionedGroups = kind.comparesGroups?.(subPath) === true ? comparedTexts(data) : []
  return { kind, test, reads, readsSubject, mentionedGroups }
}

function nameProblem(
  { subPath: wanted }: Kind,
  base: string,
  hasSlash: boolean,
  subPath: string,
): string | undefined {
  if (wanted !== undefined && subPath === '') return `needs a ${wanted} after a slash: ${base}/<${wanted}>`
  if (wanted === undefined && hasSlash) return `"${base}" takes nothing after a slash`
  return undefined
}

function unknownName(name: string): string {
  if (NOT_YET.includes(name)) return `criterion "${name}" is not supported yet`
  return `unknown criterion "${name}"${suggestion(name, [...Object.keys(KINDS), ...NOT_YET])}`
}

function lacking(need: Need): string {
  return `can't be decided: it needs \`${need}\`, which is not set`
}
