/**
 * The compiled policies of a configuration: each is made when it is first asked for, and kept for as long as
 * its route and what policies share stay the same, through generations too.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { Config, Route, Settings } from '../config/config.ts'
import { type Compilation, compilePolicy } from './compile.ts'
import type { NamedPolicy, Need, PolicyContext } from './context.ts'
import type { RecordKey } from './decision.ts'
import { userNames } from './matching/user-ids.ts'
import type { PolicyProblem } from './problem.ts'

/** The policy of a route of this configuration. */
export function policyOf(config: Config, route: Route): Compilation {
  const kept = within(compilations, contextOf(config))
  const first = route.movedFrom ?? route
  let compilation = kept.get(first)
  if (compilation === undefined) {
    compilation = compilePolicy(route, contextOf(config))
    kept.set(first, compilation)
  }
  return compilation
}

/**
 * What the check of a file wants to know of a policy: kept in place of it, which takes fifty times the
 * memory.
 */
interface Verdict {
  readonly readsSubject: boolean
  /** None where it compiles. */
  readonly problems: readonly PolicyProblem[]
}

/**
 * The thread that checks a long file compiles each policy and keeps none: the thread that serves has them
 * all.
 */
export function verdictOf(config: Config, route: Route): Verdict {
  const context = contextOf(config)
  const kept = within(verdicts, context)
  const first = route.movedFrom ?? route
  let verdict = kept.get(first)
  if (verdict === undefined) {
    const { policy, problems = [] } = compilePolicy(route, context)
    verdict = { readsSubject: policy?.readsSubject ?? false, problems }
    kept.set(first, verdict)
  }
  return verdict
}

type ByContext<Value> = WeakMap<PolicyContext, WeakMap<Route, Value>>

const compilations: ByContext<Compilation> = new WeakMap()
const verdicts: ByContext<Verdict> = new WeakMap()

function within<Value>(byContext: ByContext<Value>, context: PolicyContext): WeakMap<Route, Value> {
  let kept = byContext.get(context)
  if (kept === undefined) byContext.set(context, (kept = new WeakMap()))
  return kept
}

const contexts = new WeakMap<Settings, PolicyContext>()
let latest: PolicyContext = {}

/** What all policies of this configuration share; one and the same object while it says the same. */
export function contextOf({ settings }: Config): PolicyContext {
  let context = contexts.get(settings)
  if (context === undefined) {
    const fresh = contextFrom(settings)
    context = isDeepStrictEqual(fresh, latest) ? latest : fresh
    latest = context
    contexts.set(settings, context)
  }
  return context
}

/** What no route is, and nobody has, so far. */
const NONE_YET: readonly Need[] = ['ssh', 'mcp', 'devices']

/** The settings that policies look at. */
interface PolicySettings {
  readonly authenticate_service_url?: string | undefined
  readonly policies?: Readonly<Record<string, NamedPolicy>> | undefined
  readonly records?: Readonly<Record<string, { readonly key: RecordKey }>> | undefined
  readonly sign_in_providers: readonly { readonly name: string }[]
  readonly identity_providers?: Readonly<Record<string, unknown>> | undefined
  readonly geoip?: unknown
  readonly downstream_mtls?:
    | { readonly enforcement?: string | undefined; readonly ca?: string | undefined }
    | undefined
}

function contextFrom(settings: PolicySettings): PolicyContext {
  const { policies, records, geoip, downstream_mtls: mtls } = settings
  const providers = settings.sign_in_providers.map(({ name }) => name)
  const lacks: readonly Need[] = [
    ...NONE_YET,
    ...(geoip === undefined ? (['geoip'] as const) : []),
    ...(mtls === undefined ? (['downstream_mtls'] as const) : []),
  ]
  return {
    policies: policies ?? {},
    records: Object.fromEntries(Object.entries(records ?? {}).map(([type, { key }]) => [type, { key }])),
    users: userNames(providers, Object.keys(settings.identity_providers ?? {})),
    lacks,
    // with `reject_connection` too: a connection lives on, or is resumed, when its certificate is revoked
    deniesInvalidClientCertificates:
      mtls === undefined || mtls.enforcement === 'policy'
        ? undefined
        : mtls.ca === undefined
          ? 'where-own-authorities'
          : 'everywhere',
  }
}
