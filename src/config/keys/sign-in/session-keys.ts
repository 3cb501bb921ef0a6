/**
 * Keys of how long a sign-in is good for, how strong it must be, and what of it the upstream gets.
 *
 * @module
 */

import { z } from 'zod'
import { Duration, PositiveDuration } from '../../values/duration.ts'
import { TokenHeader } from '../../values/header.ts'

/** The provider is asked in whole seconds. */
const MaxAge = Duration.refine((ms) => ms >= 1000, 'must be at least 1s; a few minutes are usual')

/** Idle time is noted to a tenth of it. */
const IdleTimeout = Duration.refine((ms) => ms >= 1000, 'must be at least 1s; a quarter of an hour is usual')

const LEAST_CLAIMS_INTERVAL_MS = 10_000

/** RFC 6749 appendix A: what may stand in a list that blanks separate. */
const AcrValue = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'is not an acr value: no blanks, no quotes')

export const sessionLife = {
  session_idle_timeout: IdleTimeout.optional().meta({
    description:
      'A session that nobody uses for so long ends. Any request that passes counts as use, those that a page makes by itself too. Unset: no limit.',
    examples: ['1h'],
  }),
  claims_refresh_interval: Duration.refine(
    (ms) => ms >= LEAST_CLAIMS_INTERVAL_MS,
    'must be at least 10s: the identity provider is asked for each session',
  )
    .prefault('10m')
    .meta({
      description:
        'How old the facts about a person may grow before the identity provider is asked again, where tokens last longer than that. RFC 6749 section 6, or the UserInfo endpoint.',
    }),
}

const IdpToken = z.enum(['access_token', 'id_token'])

const PassIdpToken = z
  .union(
    [
      IdpToken,
      z.strictObject({
        token: IdpToken.meta({ description: 'Which of the two tokens.' }),
        header: TokenHeader,
        optional: z.boolean().default(false).meta({
          description:
            'Whether requests pass without the header when there is no token, as of visitors who have not signed in.',
        }),
      }),
    ],
    {
      error: 'must be access_token, id_token, or a map such as {token: access_token, header: X-Access-Token}',
    },
  )
  .transform((value) =>
    typeof value === 'string' ? { token: value, header: 'Authorization', optional: false } : value,
  )

export const stepUp = {
  max_age: MaxAge.optional().meta({
    description:
      'Who signed in at the identity provider longer ago has to do so again to open this route (`max_age`, OpenID Connect Core section 3.1.2.1). Needs a provider that sends `auth_time`. Unset: no limit.',
    examples: ['15m'],
  }),
  acr_values: z
    .array(AcrValue)
    .min(1)
    .optional()
    .meta({
      description:
        'Ways of signing in, in the words of the identity provider (`acr`); this route asks for one of them (RFC 9470). Unset: any.',
      examples: [['phr', 'phrh']],
    }),
  session_lifetime: PositiveDuration.optional().meta({
    description:
      'A sign-in is good for so long on this route; then the provider is asked anew. May only be shorter than `cookie_expire`. Unset: `cookie_expire`.',
    examples: ['8h'],
  }),
  session_idle_timeout: IdleTimeout.optional().meta({
    description:
      'A session that was not used for so long at a stretch is not enough on this route; the provider is asked anew. May only be shorter than the global one. Unset: the global one.',
    examples: ['15m'],
  }),
}

export const tokenPassing = {
  pass_idp_token: PassIdpToken.optional().meta({
    description:
      'Gives the upstream a token of the identity provider, refreshed before it expires. `access_token` or `id_token` goes into `Authorization: Bearer` (RFC 6750 section 2.1); a map names another header. Unset: none.',
    examples: ['access_token', { token: 'id_token', header: 'X-Id-Token' }],
  }),
}
