/**
 * Global keys of what upstreams are told of who asks.
 *
 * @module
 */

import { z } from 'zod'
import { changeableHeaderProblem, HEADER_NAME } from '../../values/header.ts'
import { sharedKeys } from '../shared-keys.ts'

const shared = sharedKeys('global')

export const assertions = {
  jwt_claims_headers: z
    .union([z.array(z.string().min(1)), z.record(z.string(), z.string().min(1))], {
      error: 'must be a list of claims or a map of header → claim',
    })
    .transform((value) =>
      Array.isArray(value)
        ? Object.fromEntries(value.map((claim) => [`X-Pomerium-Claim-${claim}`, claim]))
        : value,
    )
    .superRefine((headers, context) => {
      const seen = new Set<string>()
      for (const name of Object.keys(headers)) {
        const wrong = HEADER_NAME.test(name)
          ? changeableHeaderProblem(name)
          : `"${name}" is not a header name; name it yourself in a map of header → claim`
        const again = seen.has(name.toLowerCase()) ? `the header "${name}" stands twice` : undefined
        if ((wrong ?? again) !== undefined)
          context.addIssue({ code: 'custom', message: wrong ?? again ?? '' })
        seen.add(name.toLowerCase())
      }
    })
    .prefault({})
    .meta({
      description:
        'Claims that the upstream gets as headers of their own: a list (`X-Pomerium-Claim-<claim>`), or a map of header → claim.',
      examples: [['email', 'groups'], { 'X-Email': 'email' }],
    }),
  jwt_issuer_format: shared.jwt_issuer_format,
  jwt_groups_filter: shared.jwt_groups_filter,
  pass_identity_headers: shared.pass_identity_headers,
  identity_headers_limit: shared.identity_headers_limit,
}
