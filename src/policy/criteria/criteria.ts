/**
 * The criteria of the policy language, by name.
 *
 * To add one: a row in the table of its topic, its reasons in `outcome.ts`, its words in `missing.ts`, cases
 * in `conformance/`; `npm run gen` puts it into the reference.
 *
 * @module
 */

import type { Need, PolicyContext } from '../context.ts'
import type { LeftOut } from '../left-out.ts'
import { comparedTexts } from '../matching/matchers.ts'
import { type Criterion, hit, miss } from '../outcome.ts'
import type { Path, Report } from '../problem.ts'
import { suggestion } from '../suggestion.ts'
import { CERTIFICATE_CRITERIA } from './certificate-criteria.ts'
import { DEVICE_CRITERIA } from './device-criteria.ts'
import { GEOIP_CRITERIA } from './geoip-criteria.ts'
import { IDENTITY_CRITERIA } from './identity-criteria.ts'
import { type Kind, type Kinds, NO_DATA, type Reading, withoutData } from './kind.ts'
import { MCP_CRITERIA } from './mcp-criteria.ts'
import { RECORD_CRITERIA } from './record-criteria.ts'
import { REQUEST_CRITERIA } from './request-criteria.ts'
import { SSH_CRITERIA } from './ssh-criteria.ts'
import { TIME_CRITERIA } from './time-criteria.ts'

export interface CompiledCriterion extends Required<Reading> {
  readonly kind: Kind
  readonly test: Criterion
  readonly mentionedGroups: readonly string[]
  readonly leftOut: LeftOut | undefined
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
  { title: 'When', kinds: TIME_CRITERIA },
  { title: 'From where', kinds: GEOIP_CRITERIA },
  { title: 'What is on record', kinds: RECORD_CRITERIA },
  { title: 'Client certificates', kinds: CERTIFICATE_CRITERIA },
  { title: 'Devices', kinds: DEVICE_CRITERIA },
  { title: 'SSH', kinds: SSH_CRITERIA },
  { title: 'MCP', kinds: MCP_CRITERIA },
]

const KINDS: Kinds = Object.assign({}, ...CRITERIA_SECTIONS.map(({ kinds }) => kinds))

/** One for all: there are tens of thousands of criteria. */
const NOTHING: readonly never[] = []

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
  const problem =
    kind === undefined
      ? `unknown criterion "${base}"${suggestion(base, Object.keys(KINDS))}`
      : nameProblem(kind, base, slash >= 0, subPath)
  if (kind === undefined || problem !== undefined) {
    report(at, problem ?? '')
    return undefined
  }
  if (kind.needs !== undefined && context.lacks?.includes(kind.needs) === true)
    report(at, lacking(kind.needs))
  const test = kind.compile(data, at, report, { subPath, context })
  if (test === undefined) return undefined
  const { reads = NOTHING, readsSubject = false } = kind.readingOf?.(data, context) ?? kind
  const mentionedGroups = kind.comparesGroups?.(subPath) === true ? comparedTexts(data) : NOTHING
  const leftOut = kind.leftOut?.(data, subPath, context)
  return { kind, test, reads, readsSubject, mentionedGroups, leftOut }
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

/** What there is none of yet: no request could ever meet such a criterion. */
const NONE_YET: Readonly<Partial<Record<Need, string>>> = {
  ssh: 'no route is a login over SSH',
  mcp: 'no route serves MCP',
  devices: 'devices can’t be enrolled',
}

function lacking(need: Need): string {
  const none = NONE_YET[need]
  if (none !== undefined) return `can never hold: ${none}; leave it out`
  return `can't be decided: it needs \`${need}\`, which is not set`
}
