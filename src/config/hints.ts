/**
 * What is no mistake, but often not what was meant: told by `sallyport validate`, and nowhere else.
 *
 * @module
 */

import type { Config, Route } from './config.ts'
import { upgradesOf } from './keys/upgrades.ts'
import { answersChallenges, authenticateHost } from './routing/route-match.ts'

const seconds = (ms: number): string => `${ms / 1000}s`

function hintsOfRoute(route: Route, { settings }: Config): string[] {
  const hints: string[] = []
  if (route.origin.scheme === 'http' && !settings.insecure_server)
    hints.push(
      'has `from: http://`, but people reach it as https, because TLS is on. Write `https://`, or set `insecure_server: true` where something in front ends TLS',
    )
  const isNamed = route.allow_websockets === true || route.allow_upgrades?.includes('websocket') === true
  const keepsHost =
    route.preserve_host_header === true ||
    route.host_rewrite !== undefined ||
    route.host_rewrite_header !== undefined ||
    route.host_path_regex_rewrite_pattern !== undefined
  if (isNamed && !keepsHost && route.to !== undefined)
    hints.push(
      'lets WebSockets through without `preserve_host_header: true`: apps that compare Origin with Host refuse them, JupyterLab and Streamlit among them',
    )
  const { timeout_read: longest, allow_upgrades: shared = [] } = settings
  if (longest > 0 && route.timeout !== undefined && (route.timeout === 0 || route.timeout > longest))
    hints.push(
      `allows longer answers than the global \`timeout_read\` of ${seconds(longest)} allows uploads: remove that key if uploads may last, too`,
    )
  const isAsked = route.allow_upgrades !== undefined || route.to === undefined
  if (!isAsked && shared.length > 0 && upgradesOf(route, settings).length === 0)
    hints.push('does not have the global `allow_upgrades`: its upstream speaks HTTP/2 only')
  if (route.origin.host === authenticateHost(settings) && !answersChallenges(route))
    hints.push(
      'puts an app on the host of the sign-in pages, and its scripts are of one origin with them. A host of its own is safer',
    )
  return hints
}

/** Each with the place of its route, in the order of the file. */
export const hintsOf = (config: Config): readonly string[] =>
  config.routes.flatMap((route) =>
    hintsOfRoute(route, config).map((hint) => `${route.position.file}:${route.position.line}: ${hint}`),
  )
