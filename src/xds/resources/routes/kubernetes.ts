/**
 * Routes to Kubernetes API servers: the groups that the check names become headers of their own.
 *
 * The API server takes each `Impersonate-Group` header for one group, commas included, and a check can set
 * only one header of a name. So it sets one with all groups, which a script takes apart.
 *
 * @module
 */

import type { Route } from '../../../config/config.ts'
import { IMPERSONATE_GROUPS_HEADER } from '../../../config/keys/upstream/upstream-headers.ts'
import { extension, type Fields, typed } from '../envoy-json.ts'

const isKubernetes = ({ kubernetes_service_account_token: token }: Route): boolean => token !== undefined

/** One script for all routes; it reads nothing but the header. */
const SPLIT_GROUPS_LUA = `local function decode(hex)
  return string.char(tonumber(hex, 16))
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local groups = headers:get("${IMPERSONATE_GROUPS_HEADER}")
  headers:remove("${IMPERSONATE_GROUPS_HEADER}")
  headers:remove("impersonate-group")
  if groups == nil then return end
  for group in string.gmatch(groups, "[^,]+") do
    headers:add("impersonate-group", (string.gsub(group, "%%(%x%x)", decode)))
  end
end
`

const FILTER_NAME = 'sallyport.impersonate-groups'
const LUA = 'envoy.extensions.filters.http.lua.v3'

/** Stands after the check; off but for the routes that need it. */
export const impersonateGroups: Fields = {
  ...extension(FILTER_NAME, `${LUA}.Lua`, {
    default_source_code: { inline_string: SPLIT_GROUPS_LUA },
    clear_route_cache: false,
  }),
  disabled: true,
}

/** `typed_per_filter_config` of such a route, or nothing. */
export function impersonation(route: Route): Fields {
  if (!isKubernetes(route)) return {}
  return {
    [FILTER_NAME]: typed(`${LUA}.LuaPerRoute`, { filter_context: {} }),
  }
}
