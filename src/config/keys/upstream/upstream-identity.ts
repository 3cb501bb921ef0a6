/**
 * Keys of what an app is told about the person behind a request; they stand globally and on a route.
 *
 * @module
 */

import { z } from 'zod'
import { unicodeRe2Problem } from '../../values/regex.ts'

const GroupPattern = z.string().superRefine((pattern, context) => {
  const wrong = unicodeRe2Problem(pattern)
  if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong })
})

const GroupName = z.string().min(1)

const GroupsFilter = z.union(
  [
    z.array(GroupName),
    z.strictObject({
      keep: z
        .array(GroupName)
        .optional()
        .meta({ description: 'Groups that stay, by id or name.', examples: [['staff', 'admins']] }),
      prefixes: z
        .array(z.string().min(1))
        .optional()
        .meta({ description: 'Groups that begin with one of these stay.', examples: [['app-wiki-']] }),
      patterns: z
        .array(GroupPattern)
        .optional()
        .meta({
          description: 'Groups that match one of these from end to end stay. RE2 syntax.',
          examples: [['team-[a-z]+']],
        }),
      mentioned: z.boolean().optional().meta({
        description: 'Groups that the policies of the route name in `groups` or `claim/groups` stay.',
      }),
    }),
  ],
  { error: 'must be a list of groups, or a map with keep, prefixes, patterns or mentioned' },
)

/**
 * Envoy answers 500 beyond 96 KiB of headers in all (xds/resources/listeners/http-connection-manager.ts), of
 * which a client may send half; on the route of a Kubernetes API an assertion comes on top.
 */
const MOST_HEADER_BYTES = 36_000

export function upstreamIdentityKeys(place: 'route' | 'global') {
  const isRoute = place === 'route'
  const unset = isRoute ? 'Unset: the global value.' : ''
  return {
    jwt_issuer_format: z
      .enum(['hostOnly', 'uri'])
      .optional()
      .meta({
        description: `Form of \`iss\` in the identity assertion (RFC 7519 section 4.1.1): \`hostOnly\` is \`app.example.com\`, \`uri\` is \`https://app.example.com/\`. ${
          isRoute ? unset : 'Unset: `hostOnly`.'
        }`,
      }),
    jwt_groups_filter: GroupsFilter.optional().meta({
      description: `Which groups an app is told; others are left out of the assertion, of claim headers and of Kubernetes impersonation. A list keeps the groups that it names${
        isRoute
          ? ', together with the global list; a map stands alone in place of the global value'
          : '; a list on a route is joined to it, a map on a route replaces it'
      }. A map keeps what any of its keys names; an empty list or map keeps none. ${
        isRoute ? unset : 'Unset in both places: all groups.'
      }`,
      examples: [['staff', 'admins'], { mentioned: true, prefixes: ['app-wiki-'] }],
    }),
    pass_identity_headers: z
      .union([z.boolean(), z.literal('minimal')], { error: 'must be true, false or minimal' })
      .optional()
      .meta({
        description: `Whether the upstream gets the signed identity (\`X-Pomerium-Jwt-Assertion\` and the claim headers). \`minimal\`: an assertion with \`iss\`, \`aud\`, \`iat\`, \`exp\`, \`jti\` and \`sub\` alone, also of anonymous visitors. By it an app knows that the request came through the proxy. ${
          isRoute ? unset : 'Unset: false.'
        }`,
      }),
    identity_headers_limit: z
      .int()
      .min(1024)
      .max(MOST_HEADER_BYTES)
      .optional()
      .meta({
        description: `Bytes that the identity headers of a request may take together. Beyond it only the groups that the policies of the route name are told, or none, with the claim \`groups_truncated\`. ${
          isRoute
            ? unset
            : 'Unset: 8000 for one header and 12000 together; 32000 for Kubernetes impersonation.'
        }`,
        examples: [6000],
      }),
  }
}
