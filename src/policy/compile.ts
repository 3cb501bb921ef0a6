/**
 * From the policy keys of a route to a `CompiledPolicy`: pure, made once for each configuration.
 *
 * What is where: `policy-language.ts` the grammar, `shorthand.ts` the route keys that stand for a policy,
 * `criteria.ts` what can be asked, `judge.ts` how answers become a decision, `compiled-policies.ts` who
 * keeps what was compiled.
 *
 * @module
 */
import type { NamedPolicy, PolicyContext, PolicySource } from './context.ts'
import type { CompiledPolicy, PolicyWarning } from './decision.ts'
import { judgeBy } from './judge.ts'
import { leftOutWarning } from './left-out.ts'
import { type Block, type PolicyName, readPolicy } from './policy-language.ts'
import type { Path, PolicyProblem, Report } from './problem.ts'
import { readShorthands } from './shorthand.ts'
import { suggestion } from './suggestion.ts'

export type { PolicySource } from './context.ts'

export type Compilation =
  | { readonly policy: CompiledPolicy; readonly problems?: undefined }
  | { readonly policy?: undefined; readonly problems: readonly PolicyProblem[] }

/** A policy of its own on one route. */
interface SubPolicy extends NamedPolicy {
  readonly name: string
}

/** The keys of a route that say who may pass. */
export interface RoutePolicy extends PolicySource {
  /** Names of shared policies. */
  readonly policies?: readonly string[] | undefined
  readonly sub_policies?: readonly SubPolicy[] | undefined
  /** Client authorities of its own. */
  readonly tls_downstream_client_ca?: string | undefined
}

const NO_CONTEXT: PolicyContext = {}

/**
 * A route without any policy key compiles too, to a policy that lets nobody in. All problems are told at
 * once, each with its path in the route; those of a shared policy with its path in the file.
 */
export function compilePolicy(route: RoutePolicy, context: PolicyContext = NO_CONTEXT): Compilation {
  const problems: PolicyProblem[] = []
  const report: Report = (path, message) => {
    problems.push({ path: [...path], message })
  }
  const own = readSource(route, [], context, report)
  const below = (route.sub_policies ?? []).flatMap((sub, index) =>
    readSource(sub, ['sub_policies', index], context, report, nameOf(sub.name, sub)),
  )
  const shared = (route.policies ?? []).map((name, index) => {
    const policy = sharedPolicies(context).get(name)
    if (policy !== undefined) return policy
    report(['policies', index], `names no policy under \`policies\`${hint(name, context)}`)
    return NOTHING
  })
  problems.push(...shared.flatMap((policy) => policy.problems))
  const blocks = [...own, ...below, ...shared.flatMap((policy) => policy.blocks), ...demanded(context, route)]
  return problems.length > 0 ? { problems } : { policy: compiledFrom(blocks) }
}

/** What is wrong with the shared policies, whether a route names them or not. */
export function sharedProblems(context: PolicyContext): readonly PolicyProblem[] {
  return [...sharedPolicies(context).values()].flatMap(({ problems }) => problems)
}

interface SharedPolicy {
  readonly blocks: readonly Block[]
  readonly problems: readonly PolicyProblem[]
}

const NOTHING: SharedPolicy = { blocks: [], problems: [] }

const shared = new WeakMap<PolicyContext, ReadonlyMap<string, SharedPolicy>>()

/** Read once, however many routes name them. */
function sharedPolicies(context: PolicyContext): ReadonlyMap<string, SharedPolicy> {
  let policies = shared.get(context)
  if (policies === undefined) {
    policies = new Map(
      Object.entries(context.policies ?? {}).map(([name, policy]) => [
        name,
        readShared(name, policy, context),
      ]),
    )
    shared.set(context, policies)
  }
  return policies
}

function readShared(name: string, policy: NamedPolicy, context: PolicyContext): SharedPolicy {
  const problems: PolicyProblem[] = []
  const report: Report = (path, message) => {
    problems.push({ path: [...path], message, isShared: true })
  }
  const origin = { ...nameOf(name, policy), isShared: true } as const
  return { blocks: readSource(policy, ['policies', name], context, report, origin), problems }
}

function nameOf(name: string, { explanation, remediation }: NamedPolicy): PolicyName {
  return { name, explanation, remediation }
}

/** @param base where the source stands: nowhere deeper for the keys of a route */
function readSource(
  source: PolicySource,
  base: Path,
  context: PolicyContext,
  report: Report,
  origin?: PolicyName,
): readonly Block[] {
  const shorthands = readShorthands(source, base, context, report)
  const written =
    source.policy === undefined ? [] : readPolicy(source.policy, [...base, 'policy'], context, report)
  const blocks = [...shorthands, ...written]
  return origin === undefined ? blocks : blocks.map((block) => ({ ...block, origin }))
}

let certificatesDenied: readonly Block[] | undefined

/** What the settings demand of a route. */
function demanded(
  { deniesInvalidClientCertificates: where }: PolicyContext,
  { tls_downstream_client_ca: own }: RoutePolicy,
): readonly Block[] {
  if (where === undefined || (where === 'where-own-authorities' && own === undefined)) return []
  const rule = { deny: { or: [{ invalid_client_certificate: true }] } }
  const origin = { name: 'downstream_mtls', isShared: true } as const
  certificatesDenied ??= readPolicy(rule, ['downstream_mtls'], NO_CONTEXT, (_, message) => {
    throw new Error(message)
  }).map((block) => ({ ...block, origin }))
  return certificatesDenied
}

function hint(name: string, context: PolicyContext): string {
  return suggestion(name, Object.keys(context.policies ?? {}))
}

/** Of rules that only watch nothing is told: they deny nobody. */
function warningsOf({ action, operator, criteria, origin, isObserved }: Block): readonly PolicyWarning[] {
  if (action !== 'deny' || isObserved === true) return []
  const isNegated = operator === 'not' || operator === 'nor'
  return criteria.flatMap(({ leftOut, at }) =>
    leftOut === undefined
      ? []
      : [
          {
            at,
            message: leftOutWarning(leftOut, isNegated),
            ...(origin?.isShared && { isShared: true as const }),
          },
        ],
  )
}

/** A route without any rule compiles, since nobody is let in by a mistake; but few mean that. */
function nobodyPasses(blocks: readonly Block[]): readonly PolicyWarning[] {
  const allows = blocks.some(({ action, isObserved }) => action === 'allow' && isObserved !== true)
  if (allows) return []
  return [
    {
      at: [],
      message:
        'nobody gets in, because no rule allows anybody: add `policy`, `policies` or one of `allowed_users`, `allowed_domains`, `allow_any_authenticated_user`, `allow_public_unauthenticated_access`',
    },
  ]
}

const CLAIM = 'claim/'

function compiledFrom(blocks: readonly Block[]): CompiledPolicy {
  const criteria = blocks.flatMap((block) => block.criteria)
  return {
    reads: new Set(criteria.flatMap(({ reads }) => reads)),
    readsSubject: criteria.some(({ readsSubject }) => readsSubject),
    mentionedGroups: [...new Set(criteria.flatMap(({ mentionedGroups }) => mentionedGroups))],
    mentionedClaims: [
      ...new Set(criteria.flatMap(({ name }) => (name.startsWith(CLAIM) ? name.slice(CLAIM.length) : []))),
    ],
    warnings: [...nobodyPasses(blocks), ...blocks.flatMap(warningsOf)],
    needsHeaders: [...new Set(criteria.flatMap(({ kind }) => kind.needsHeaders ?? []))],
    decide: judgeBy(blocks),
  }
}
