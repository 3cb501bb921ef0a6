/**
 * What a route asks of a session besides its policy, which a decision log does not tell: how old the session
 * was, how long it was idle, how recent and strong its sign-in.
 *
 * @module
 */
import type { Config, Route } from '../../config/config.ts'
import type { CompiledPolicy } from '../../policy/decision.ts'
import type { LoggedDecision } from './log-lines.ts'

/** Limits in milliseconds. */
interface Demands {
  readonly lifetime: number | undefined
  readonly idle: number | undefined
  readonly maxAge: number | undefined
  readonly acrValues: readonly string[]
  /** As text: what is asked who has left, and past how many proxies an address is looked for. */
  readonly directory: string
  readonly proxies: string
}

/** Where a decision was made: today's configuration and the route that it would choose. */
export interface Circumstances {
  readonly config: Config
  readonly route: Route
}

/** By route: a log has many lines of one. */
const known = new WeakMap<Route, Demands>()

function demandsOf({ config: { settings }, route }: Circumstances): Demands {
  let demands = known.get(route)
  if (demands === undefined) {
    demands = {
      lifetime: route.session_lifetime,
      idle: route.session_idle_timeout ?? settings.session_idle_timeout,
      maxAge: route.max_age,
      acrValues: route.acr_values ?? [],
      directory: JSON.stringify(settings.directory ?? null),
      proxies: `${settings.xff_num_trusted_hops} ${settings.skip_xff_append}`,
    }
    known.set(route, demands)
  }
  return demands
}

/**
 * What would have to be known of the session of an allowed request, for each demand that is not known to be
 * the same as it was, or milder.
 *
 * @param then undefined where nobody knows what was asked when the log was written
 */
export function untoldOfSession(
  now: Circumstances,
  then: Circumstances | undefined,
  logged: Pick<LoggedDecision, 'outcome'>,
): readonly string[] {
  const asked = demandsOf(now)
  const former = then && demandsOf(then)
  const held = logged.outcome === 'allow'
  const isKnown = (limit: number | undefined, before: number | undefined) =>
    limit === undefined ||
    (former !== undefined && (limit === before || (held && limit >= (before ?? Infinity))))
  const isStrongAsBefore =
    asked.acrValues.length === 0 ||
    (former !== undefined &&
      (same(asked, former) || (held && former.acrValues.length > 0 && isMilder(asked, former))))
  return [
    ...(isKnown(asked.lifetime, former?.lifetime) ? [] : ['how old the session was (session_lifetime)']),
    ...(isKnown(asked.idle, former?.idle) ? [] : ['how long it was idle (session_idle_timeout)']),
    ...(isKnown(asked.maxAge, former?.maxAge) ? [] : ['how old the sign-in was (max_age)']),
    ...(isStrongAsBefore ? [] : ['how strong the sign-in was (acr_values)']),
    ...(former === undefined || former.directory === asked.directory
      ? []
      : ['what the other directory says of the person']),
  ]
}

const same = ({ acrValues }: Demands, former: Demands) =>
  acrValues.length === former.acrValues.length && isMilder(former, { acrValues })
/** Whatever was strong enough still is. */
const isMilder = ({ acrValues }: Pick<Demands, 'acrValues'>, former: Pick<Demands, 'acrValues'>) =>
  former.acrValues.every((value) => acrValues.includes(value))

/** The log has the address that was found past the proxies of then. */
export function untoldOfAddress(
  now: Circumstances,
  then: Circumstances | undefined,
  { reads }: CompiledPolicy,
): readonly string[] {
  const isRead = reads.has('source_ip') || reads.has('geo') || reads.has('record')
  if (then === undefined || !isRead || demandsOf(now).proxies === demandsOf(then).proxies) return []
  return ['the address past as many proxies (xff_num_trusted_hops)']
}
