/**
 * What a policy says of a request, and the words in which it says why.
 *
 * Pure types; `compile.ts` makes a `CompiledPolicy`, `extauthz/` turns a Decision into an answer.
 *
 * @module
 */

/** Three values, because a fact that could not be had must never count as "no" (docs/architecture.md). */
export type Truth = 'hit' | 'miss' | 'unknown'

/** Who asks. Facts that could not be resolved are `'unknown'`, which is not the same as none. */
export type Subject = { readonly kind: 'anonymous' } | Identified

/** A person, or a machine that has shown who it is. */
export interface Identified {
  readonly kind: IdentifiedKind
  readonly sessionId: string
  readonly userId: string
  readonly email: string | undefined
  readonly name: string | undefined
  /** Flattened to lists of scalars, so that every criterion reads them alike. */
  readonly claims: Readonly<Record<string, readonly string[]>>
  readonly groups: readonly string[] | 'unknown'
}

/** `service-account`: one of ours, made by an operator. `workload`: a program that its platform vouches for. */
export type IdentifiedKind = 'user' | 'service-account' | 'workload'

/** The facts of one request that criteria may read. */
export interface RequestFacts {
  readonly method: string
  /** Path without query, normalised by Envoy. */
  readonly path: string
  readonly host: string
  /** Address of the downstream as Envoy sees it after trusted hops; no port. */
  readonly sourceIp: string
  /** Lower-case name → value. */
  readonly headers: Readonly<Record<string, string>>
}

/** One criterion, evaluated: the rows that `explain` and the denial page show. */
export interface TraceEntry {
  readonly action: 'allow' | 'deny'
  /** As the policy names it, sub-path included: `claim/department`. */
  readonly criterion: string
  readonly truth: Truth
  readonly reason: string
  /** Where the criterion stands in the route: keys and indices, as `positionOf` of config/ takes them. */
  readonly at?: readonly (string | number)[]
}

/** Outcome of a policy. A refusal is an answer, not an error: it is returned, never thrown. */
export type Decision =
  | { readonly outcome: 'allow'; readonly reasons: readonly string[]; readonly trace: readonly TraceEntry[] }
  | {
      readonly outcome: 'sign-in'
      readonly reasons: readonly string[]
      readonly trace: readonly TraceEntry[]
    }
  | { readonly outcome: 'deny'; readonly reasons: readonly string[]; readonly trace: readonly TraceEntry[] }

/** Request facts beside the subject that a policy reads: the key by which its decisions may be reused. */
export type ReadFact = 'method' | 'path' | 'host' | 'source_ip' | 'headers'

export interface CompiledPolicy {
  /** What besides the subject the outcome depends on; empty means one decision per session. */
  readonly reads: ReadonlySet<ReadFact>
  /** Whether any criterion needs to know who asks. */
  readonly readsSubject: boolean
  /** Lower-case names of the request headers that criteria read; Envoy need not send us others for them. */
  readonly needsHeaders: readonly string[]
  /** The groups that its criteria name, by id or name as they are written there: what an app behind it may care for. */
  readonly mentionedGroups: readonly string[]
  decide(subject: Subject, request: RequestFacts): Decision
}
