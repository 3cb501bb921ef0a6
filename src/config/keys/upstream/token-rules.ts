/**
 * What must hold between headers that carry tokens and the settings that all routes share.
 *
 * @module
 */

import type { Mistake, Settings } from '../../config.ts'
import { isCredentialHeader } from '../../values/secret-headers.ts'
import { mistake } from '../rule.ts'
import type { PlacedRoute } from '../rules.ts'
import { tokenHeadersOf } from './upstream-headers.ts'

/**
 * The access log shows a request as the upstream gets it, so a header with a token in it has no place there.
 */
export function tokensStayOutOfTheLog(routes: readonly PlacedRoute[], settings: Settings): Mistake[] {
  const logged = new Set(
    settings.access_log_fields.flatMap((field) => /^headers\.(.*)$/.exec(field.toLowerCase())?.[1] ?? []),
  )
  return routes.flatMap(({ route, path }) =>
    tokenHeadersOf(route)
      .filter((name) => logged.has(name) && !isCredentialHeader(name))
      .map((name) =>
        mistake(
          path,
          `puts a token into the header ${name}, which \`access_log_fields\` would write to the log`,
        ),
      ),
  )
}
