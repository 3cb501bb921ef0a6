/**
 * What Envoy takes off the requests of clients before anybody looks at them, on every route.
 *
 * What belongs there is set again by the check (identity) or by Envoy itself (`x-forwarded-host`).
 *
 * @module
 */

import { forgeablePattern } from '../../../config/keys/forgeable-headers.ts'
import { extension, type Fields } from '../envoy-json.ts'

/**
 * Envoy passes the `Connection` of an upgrade on as it came. A proxy behind us takes off whatever that names
 * (RFC 9110 section 7.6.1), so a client could have it take off what the check has set: an assertion, or in
 * whose name a Kubernetes API is asked.
 */
const PLAIN_UPGRADE: Fields = {
  append: {
    header: { key: 'connection', value: 'upgrade' },
    append_action: 'OVERWRITE_IF_EXISTS',
  },
}

const removed = (regex: string): Fields => ({ remove_on_match: { key_matcher: { safe_regex: { regex } } } })

/**
 * @param written names that Envoy has written itself by then, over the client's
 * @param more further changes of the request
 */
export const withoutClientHeaders = (written: readonly string[], more: readonly Fields[] = []): Fields =>
  extension(
    'envoy.filters.http.header_mutation',
    'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation',
    {
      mutations: {
        request_mutations: [removed(forgeablePattern(written)), PLAIN_UPGRADE, ...more],
        // HTTP/1.1 has none here either. Some servers add trailers to the headers, where nobody would look
        // for them.
        request_trailers_mutations: [removed('.*')],
      },
    },
  )
