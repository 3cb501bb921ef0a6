/**
 * Our own cookies at the two ends where the check has no hand: in answers of apps, and in bytes that are no
 * UTF-8.
 *
 * @module
 */

import type { Settings } from '../../../config/config.ts'
import { extension, type Fields, typed } from '../envoy-json.ts'

/**
 * Marks the answers that the check gives in an app's place. What an app says under this name is taken off by
 * the route configuration, before any filter sees it.
 */
export const INTERCEPTED_HEADER = 'x-pomerium-intercepted-response'

/** A `Cookie` header in percent-encoding: set by the check where the bytes can't be carried otherwise. */
const COOKIE_BYTES_HEADER = 'x-pomerium-cookie-bytes'

const OUR_PREFIX = '__host-sallyport_'

const LUA = 'envoy.extensions.filters.http.lua.v3.Lua'
const MATCHER = 'envoy.extensions.common.matching.v3.ExtensionWithMatcher'
const SKIP = 'envoy.extensions.filters.common.matcher.action.v3.SkipFilter'

/** A script that is run only where it has something to do: Envoy makes a coroutine for each run. */
function luaWhere(name: string, predicate: Fields, script: string): Fields {
  return extension(name, MATCHER, {
    extension_config: extension(name, LUA, {
      default_source_code: { inline_string: script },
      clear_route_cache: false,
    }),
    xds_matcher: {
      matcher_list: {
        matchers: [{ predicate: { not_matcher: predicate }, on_match: { action: extension('skip', SKIP) } }],
      },
    },
  })
}

const requestHeader = (name: string) => headerInput('Request', name)
const responseHeader = (name: string) => headerInput('Response', name)

const headerInput = (side: 'Request' | 'Response', name: string): Fields =>
  extension('header', `envoy.type.matcher.v3.Http${side}HeaderMatchInput`, { header_name: name })

const holds = (input: Fields, text: string): Fields => ({
  single_predicate: { input, value_match: { contains: text, ignore_case: true } },
})

const ANSWERS_FILTER = 'sallyport.own-cookies'

/**
 * Only Sallyport sets its cookies. An app that does, by a fault of its own or of somebody who has found a way
 * to inject a header, would sign its visitors in as whom it likes.
 */
export const withoutOurSetCookies = ({ cookie_name: name }: Settings): Fields =>
  luaWhere(
    ANSWERS_FILTER,
    {
      and_matcher: {
        predicate: [
          { not_matcher: holds(responseHeader(INTERCEPTED_HEADER), 'true') },
          {
            or_matcher: {
              predicate: [name, OUR_PREFIX].map((text) => holds(responseHeader('set-cookie'), text)),
            },
          },
        ],
      },
    },
    removeSetCookieLua(name),
  )

/** For `typed_per_filter_config` of routes that Sallyport answers itself. */
export const WITH_OUR_SET_COOKIES: Fields = {
  [ANSWERS_FILTER]: typed('envoy.config.route.v3.FilterConfig', { disabled: true }),
}

/**
 * The names are tokens, without quotes or backslashes; they are compared as they stand, never as patterns.
 */
const removeSetCookieLua = (cookieName: string): string => `local ours = {
  [${JSON.stringify(cookieName.toLowerCase())}] = true,
  [${JSON.stringify(`__host-${cookieName.toLowerCase()}`)}] = true,
}

local function isOurs(line)
  -- A cookie without a name comes back as its value, which may look like a pair.
  local name = string.lower(string.match(line, "^[%s=]*([^=;%s]*)"))
  return ours[name] == true or string.sub(name, 1, ${OUR_PREFIX.length}) == "${OUR_PREFIX}"
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local kept = {}
  local count = headers:getNumValues("set-cookie")
  for index = 0, count - 1 do
    local line = headers:getAtIndex("set-cookie", index)
    if not isOurs(line) then kept[#kept + 1] = line end
  end
  if #kept == count then return end
  headers:remove("set-cookie")
  for _, line in ipairs(kept) do headers:add("set-cookie", line) end
end
`

/** Stands after the check, which alone can have set the header. */
export const cookieBytes: Fields = luaWhere(
  'sallyport.cookie-bytes',
  {
    single_predicate: {
      input: requestHeader(COOKIE_BYTES_HEADER),
      value_match: { safe_regex: { google_re2: {}, regex: '.*' } },
    },
  },
  `local function decode(hex)
  return string.char(tonumber(hex, 16))
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local cookie = headers:get("${COOKIE_BYTES_HEADER}")
  if cookie == nil then return end
  headers:remove("${COOKIE_BYTES_HEADER}")
  headers:replace("cookie", (string.gsub(cookie, "%%(%x%x)", decode)))
end
`,
)
