/**
 * The path as it was asked for, for the access log: by the time a request is logged, its route has put
 * another in its place.
 *
 * Nothing of it reaches the upstream, which Envoy's own header for it would.
 *
 * @module
 */
import type { Route } from '../../../config/config.ts'
import { prefixRewriteOf } from '../../../config/routing/path-rewrite.ts'
import { extension, type Fields, typed } from '../envoy-json.ts'

const FILTER = 'sallyport.requested-path'
const CONFIG = 'envoy.extensions.filters.http.set_filter_state.v3.Config'
const KEY = 'sallyport.requested-path'

/** Only routes that rewrite paths pay for it. */
export const requestedPath: Fields = { ...extension(FILTER, CONFIG), disabled: true }

/** `typed_per_filter_config` that turns the filter on for a route that rewrites paths, or nothing. */
export function keepRequestedPath(route: Route): Fields {
  if (route.regex_rewrite_pattern === undefined && prefixRewriteOf(route) === undefined) return {}
  const path = { text_format_source: { inline_string: '%PATH(NQ:PATH)%' } }
  return {
    [FILTER]: typed(CONFIG, {
      on_request_headers: [{ object_key: KEY, factory_key: 'envoy.string', format_string: path }],
    }),
  }
}

/** Without its query, which may hold secrets. */
export const REQUESTED_PATH = `%COALESCE(${JSON.stringify({
  operators: [
    { command: 'FILTER_STATE', param: `${KEY}:PLAIN` },
    { command: 'PATH', param: 'NQ:PATH' },
  ],
})})%`
