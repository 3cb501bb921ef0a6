/**
 * Which of somebody's groups an app may be told, by `jwt_groups_filter`.
 *
 * What it lets through is found once for each list of groups, which stays the same array as long as session
 * and directory say the same; people with thousands of groups cost nothing more after that.
 *
 * @module
 */
import { RE2JS } from 're2js'
import type { Settings } from '../config/config.ts'

type Written = NonNullable<Settings['jwt_groups_filter']>
type FilterMap = Exclude<Written, readonly string[]>

interface FilterSource {
  readonly jwt_groups_filter?: Written | undefined
}

export class GroupsFilter {
  /** `undefined`: all stay. */
  readonly #isKept: ((group: string) => boolean) | undefined
  readonly #named: ReadonlySet<string>
  readonly #kept = new WeakMap<readonly string[], readonly string[]>()

  /** @param mentioned the groups that the policies of the route name */
  constructor(route: FilterSource, settings: FilterSource, mentioned: readonly string[]) {
    const maps = mapsInForce(route.jwt_groups_filter, settings.jwt_groups_filter)
    this.#named = new Set([...mentioned, ...maps.flatMap(({ keep = [] }) => keep)])
    this.#isKept = maps.length === 0 ? undefined : anyOf(maps.map((map) => matcherOf(map, mentioned)))
  }

  /** Whether the filter or a policy says this very group. */
  isNamed(group: string): boolean {
    return this.#named.has(group)
  }

  /** Those that may be told, in their order. */
  apply(groups: readonly string[]): readonly string[] {
    if (this.#isKept === undefined) return groups
    let kept = this.#kept.get(groups)
    if (kept === undefined) {
      kept = groups.filter(this.#isKept)
      this.#kept.set(groups, kept)
    }
    return kept
  }
}

/** A list of the route is joined to what stands globally; a map of the route stands alone. */
function mapsInForce(route: Written | undefined, settings: Written | undefined): readonly FilterMap[] {
  const inForce = route === undefined || isList(route) ? [route, settings] : [route]
  return inForce
    .filter((written) => written !== undefined)
    .map((written) => (isList(written) ? { keep: written } : written))
}

const isList = (written: Written): written is readonly string[] => Array.isArray(written)

function matcherOf(
  { keep = [], prefixes = [], patterns = [], mentioned = false }: FilterMap,
  all: readonly string[],
) {
  const named = new Set(mentioned ? [...keep, ...all] : keep)
  const compiled = patterns.map((pattern) => RE2JS.compile(pattern))
  return (group: string): boolean =>
    named.has(group) ||
    prefixes.some((prefix) => group.startsWith(prefix)) ||
    compiled.some((pattern) => pattern.matches(group))
}

function anyOf(matchers: readonly ((group: string) => boolean)[]): (group: string) => boolean {
  return (group) => matchers.some((matches) => matches(group))
}

type Claims = Readonly<Record<string, readonly string[]>>

/** Claims in which those that hold groups are cut like groups, whatever they are called. */
export function withGroupsCut(
  claims: Claims,
  groupsClaims: ReadonlySet<string>,
  cut: (groups: readonly string[]) => readonly string[],
): Claims {
  const held = Object.keys(claims).filter((name) => groupsClaims.has(name))
  if (held.length === 0) return claims
  return { ...claims, ...Object.fromEntries(held.map((name) => [name, cut(claims[name] ?? [])])) }
}
