/**
 * What happens to response headers on their way to the user agent.
 *
 * @module
 */

import type { Route, Settings } from '../../../config/config.ts'
import { type Fields, setHeader, typed } from '../envoy-json.ts'

/**
 * Replaces the start of response headers, line by line where there are several. One script for all routes:
 * what to replace comes as data in the `filter_context` of the route, so that no text of a user is ever read
 * as Lua.
 */
export const RESPONSE_HEADER_LUA = `function envoy_on_response(handle)
  local rules = handle:filterContext():get("rewrite")
  if rules == nil then return end
  local headers = handle:headers()
  for _, rule in ipairs(rules) do
    local values = {}
    local changed = false
    for index = 0, headers:getNumValues(rule.header) - 1 do
      local value = headers:getAtIndex(rule.header, index)
      if string.sub(value, 1, #rule.prefix) == rule.prefix then
        value = rule.value .. string.sub(value, #rule.prefix + 1)
        changed = true
      end
      table.insert(values, value)
    end
    if changed then
      headers:remove(rule.header)
      for _, value in ipairs(values) do headers:add(rule.header, value) end
    end
  end
end
`

const LUA_PER_ROUTE = 'envoy.extensions.filters.http.lua.v3.LuaPerRoute'

/** `typed_per_filter_config` that turns the Lua filter on for this route, or nothing. */
export function rewriteResponseHeaders(route: Route): Fields {
  const rules = route.rewrite_response_headers ?? []
  if (rules.length === 0) return {}
  const rewrite = rules.map(({ header, prefix, value }) => ({ header: header.toLowerCase(), prefix, value }))
  return { 'envoy.filters.http.lua': typed(LUA_PER_ROUTE, { filter_context: { rewrite } }) }
}

const isDisabled = (headers: Readonly<Record<string, string>>): boolean =>
  Object.keys(headers).some((name) => name.toLowerCase() === 'disable')

/** The global headers, those of the route over them; `disable` on the route clears both. */
function mergedHeaders(route: Route, settings: Settings): Readonly<Record<string, string>> {
  const own = route.set_response_headers ?? {}
  if (isDisabled(own)) return {}
  const overridden = new Set(Object.keys(own).map((name) => name.toLowerCase()))
  const inherited = Object.entries(settings.set_response_headers).filter(
    ([name]) => !overridden.has(name.toLowerCase()),
  )
  return { ...Object.fromEntries(inherited), ...own }
}

/** `response_headers_to_add` of a route of the configuration: over what the upstream says. */
export const responseHeadersOf = (route: Route, settings: Settings): readonly Fields[] =>
  Object.entries(mergedHeaders(route, settings)).map(([name, value]) => setHeader(name, value))

/** The same for Sallyport's own pages, which know better where they say something themselves. */
export const ownResponseHeaders = (settings: Settings): readonly Fields[] =>
  Object.entries(settings.set_response_headers).map(([name, value]) =>
    setHeader(name, value, 'ADD_IF_ABSENT'),
  )
