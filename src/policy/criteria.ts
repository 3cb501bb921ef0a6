/**
 * The criteria of the policy language: what each is called, what it reads, and how its data is compiled.
 *
 * To add one: a row here, its reasons in `outcome.ts`, its words in `missing.ts`, cases in `conformance/`.
 *
 * @module
 */
import type { ReadFact } from './decision.ts'
import * as identity from './identity-criteria.ts'
import { comparedTexts } from './matchers.ts'
import { type Criterion, hit, miss } from './outcome.ts'
import type { Path, Report } from './problem.ts'
import * as request from './request-criteria.ts'
import { suggestion } from './suggestion.ts'

interface Kind {
  /** `undefined` when the data is wrong, which was reported. */
  readonly compile: (data: unknown, at: Path, report: Report, subPath: string) => Criterion | undefined
  readonly readsSubject?: true
  readonly reads?: readonly ReadFact[]
  readonly needsHeaders?: readonly string[]
  /** What a name continues with after its slash: `claim/<path>`. */
  readonly subPath?: string
  /** Whether the texts that it compares with are groups. */
  readonly comparesGroups?: (subPath: string) => boolean
}

export interface CompiledCriterion {
  readonly kind: Kind
  readonly test: Criterion
  readonly mentionedGroups: readonly string[]
}

const KINDS: Readonly<Record<string, Kind>> = {
  accept: { compile: withoutData(() => hit('accept')) },
  reject: { compile: withoutData(() => miss('reject')) },
  authenticated_user: { readsSubject: true, compile: withoutData(identity.authenticatedUser) },
  user: { readsSubject: true, compile: identity.user },
  email: { readsSubject: true, compile: identity.email },
  domain: { readsSubject: true, compile: identity.domain },
  claim: {
    readsSubject: true,
    compile: identity.claim,
    subPath: 'path',
    comparesGroups: (path) => path === 'groups',
  },
  groups: { readsSubject: true, compile: identity.groups, comparesGroups: () => true },
  http_method: { reads: ['method'], compile: request.httpMethod },
  http_path: { reads: ['path'], compile: request.httpPath },
  source_ip: { reads: ['source_ip'], compile: request.sourceIp },
  cors_preflight: {
    reads: ['method', 'headers'],
    needsHeaders: request.PREFLIGHT_HEADERS,
    compile: withoutData(request.corsPreflight),
  },
}

/** Known by name, so that a policy moved here says what is left out rather than that it is misspelt. */
const NOT_YET = [
  'client_certificate',
  'invalid_client_certificate',
  'device',
  'ssh_username',
  'ssh_username_matches_email',
  'ssh_username_matches_claim',
  'ssh_publickey',
  'ssh_ca',
  'mcp_tool',
  'pomerium_routes',
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
): CompiledCriterion | undefined {
  const slash = name.indexOf('/')
  const base = slash < 0 ? name : name.slice(0, slash)
  const subPath = slash < 0 ? '' : name.slice(slash + 1)
  const kind = Object.hasOwn(KINDS, base) ? KINDS[base] : undefined
  if (kind === undefined) {
    report(at, unknownName(base))
    return undefined
  }
  if (kind.subPath !== undefined && subPath === '') {
    report(at, `needs a ${kind.subPath} after a slash: ${base}/<${kind.subPath}>`)
    return undefined
  }
  if (kind.subPath === undefined && slash >= 0) {
    report(at, `"${base}" takes nothing after a slash`)
    return undefined
  }
  const test = kind.compile(data, at, report, subPath)
  const mentionedGroups = kind.comparesGroups?.(subPath) === true ? comparedTexts(data) : []
  return test && { kind, test, mentionedGroups }
}

function unknownName(name: string): string {
  if (NOT_YET.includes(name)) return `criterion "${name}" is not supported yet`
  return `unknown criterion "${name}"${suggestion(name, [...Object.keys(KINDS), ...NOT_YET])}`
}

/**
 * The data of these criteria is ignored, so `accept: 1` and `accept: true` are the same. A `false` would be
 * too, and would then mean the opposite of what it says.
 */
function withoutData(test: Criterion): Kind['compile'] {
  return (data, at, report) => {
    if (data !== false) return test
    report(at, 'takes no condition, so false would mean the same as true; put it under "not" instead')
    return undefined
  }
}
