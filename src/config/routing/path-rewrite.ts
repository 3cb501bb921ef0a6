/**
 * What a route makes of a path on its way to the upstream, or into a redirect: as Envoy does it, told from
 * the configuration alone. `envoy-route.ts` of xds/ writes the same down for Envoy; a differential test
 * compares the two.
 *
 * @see Envoy `RouteAction.prefix_rewrite`, `RouteAction.regex_rewrite`, `RedirectAction.prefix_rewrite`
 * @module
 */

import type { RE2JS } from 're2js'
import type { Route } from '../config.ts'
import { patternsByRoute } from '../values/regex.ts'

/** One match of Envoy that a prefix becomes. */
export interface PrefixForm {
  readonly kind: 'path' | 'prefix'
  readonly text: string
  /** What stands in its place; undefined: nothing is there, 404. */
  readonly replacement: string | undefined
}

/**
 * What replaces the matched prefix on the way to the upstream; `undefined` where a pattern rewrites the path.
 */
export function prefixRewriteOf(route: Route): string | undefined {
  if (route.redirect !== undefined) return route.redirect.prefix_rewrite
  if (route.regex_rewrite_pattern !== undefined) return undefined
  const replacement = route.prefix_rewrite ?? route.to?.[0]?.path
  return replacement === '' ? undefined : replacement
}

/**
 * A prefix is replaced at the border of a segment where one of the two texts ends in a slash: `/grafana` →
 * `/` makes `/login` of `/grafana/login` (Envoy alone would make `//login`), and `/` → `/base` makes
 * `/base/x` of `/x`.
 *
 * The rest of what begins with such a prefix, as `/grafanaX` does, has no place at the upstream.
 *
 * @returns undefined where one match will do
 */
export function prefixFormsOf(route: Route): readonly PrefixForm[] | undefined {
  const replacement = prefixRewriteOf(route)
  if (replacement === undefined || route.path !== undefined || route.regex !== undefined) return undefined
  const prefix = route.prefix ?? '/'
  if (prefix.endsWith('/') === replacement.endsWith('/')) return undefined
  const whole: PrefixForm = { kind: 'path', text: prefix, replacement }
  if (prefix.endsWith('/')) return [whole, { kind: 'prefix', text: prefix, replacement: `${replacement}/` }]
  return [
    whole,
    { kind: 'prefix', text: `${prefix}/`, replacement },
    { kind: 'prefix', text: prefix, replacement: undefined },
  ]
}

/** Whether a path begins with the prefix of a route and yet has no place at its upstream. */
export function isBesidePrefix(route: Route, path: string): boolean {
  const form = formOf(prefixFormsOf(route) ?? [], path)
  return form !== undefined && form.replacement === undefined
}

const formOf = (forms: readonly PrefixForm[], path: string): PrefixForm | undefined =>
  forms.find(({ kind, text }) => (kind === 'path' ? path === text : path.startsWith(text)))

/** Nobody knows what Envoy would make of the path, since that is more work than one request may be. */
export const TOO_DEAR = Symbol('more work than one path may be')

/** Undefined where the path stays as it is. */
export function rewritten(route: Route, path: string): string | undefined | typeof TOO_DEAR {
  const { regex_rewrite_pattern: pattern, regex_rewrite_substitution: substitution = '' } = route
  if (pattern !== undefined && route.redirect === undefined)
    return replaceAll(patternOf(route, pattern), substitution, path)
  const replacement = prefixRewriteOf(route)
  if (replacement === undefined) return undefined
  if (route.path !== undefined || route.regex !== undefined) return replacement
  const forms = prefixFormsOf(route)
  if (forms === undefined) return replacement + path.slice((route.prefix ?? '/').length)
  const form = formOf(forms, path)
  return form?.replacement === undefined ? undefined : form.replacement + path.slice(form.text.length)
}

const patternOf = patternsByRoute()

/**
 * Characters that all searches for the next match may look at together: some milliseconds for the dearest
 * pattern.
 *
 * Any search may look at all that is left, though it finds nothing but the next character. A path of 350
 * characters may match at each of them, one of 8,000 some fifteen times.
 */
const MOST_WORK = 128 * 1024
/** No server takes a longer path. */
const LONGEST_MADE = 64 * 1024

/** `RE2::GlobalReplace`, which differs from the `replaceAll` of others on matches of nothing. */
function replaceAll(pattern: RE2JS, substitution: string, text: string): string | typeof TOO_DEAR {
  const matcher = pattern.matcher(text)
  let made = ''
  let at = 0
  let end = -1
  let work = 0
  while (at <= text.length) {
    work += text.length - at
    if (work > MOST_WORK || made.length > LONGEST_MADE) return TOO_DEAR
    if (!matcher.find(at)) break
    made += text.slice(at, matcher.start())
    at = matcher.start()
    if (matcher.end() === at && at === end) {
      made += text.slice(at, at + 1)
      at++
      continue
    }
    made += substitution.replaceAll(/\\(.)/gs, (_, group: string) =>
      group === '\\' ? group : (matcher.group(Number(group)) ?? ''),
    )
    at = end = matcher.end()
  }
  return made + text.slice(at)
}
