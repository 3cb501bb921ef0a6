/**
 * Keys that say who may pass: on a route, and of policies with a name that one route or several use.
 *
 * The policy language itself is judged by the policy room.
 *
 * @module
 */

import { z } from 'zod'

/** In the policy language, which this room does not know. */
export const PolicyText = z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())], {
  error: 'must be a rule or a list of rules',
})

/** What stands for a policy, on a route and in a named policy alike. */
export const whoMayPass = {
  policy: PolicyText.optional().meta({
    description:
      'Who may pass, in the policy language (see the policy reference). A route without any rule is closed.',
    examples: [[{ allow: { and: [{ domain: { is: 'example.com' } }] } }]],
  }),
  allowed_users: z
    .array(z.string().min(1))
    .optional()
    .meta({
      description: 'E-mail addresses or user ids that may pass.',
      examples: [['alice@example.com']],
    }),
  allowed_domains: z
    .array(z.string().min(1))
    .optional()
    .meta({
      description: 'Domains of e-mail addresses that may pass.',
      examples: [['example.com']],
    }),
  allowed_idp_claims: z
    .record(z.string().min(1), z.array(z.union([z.string(), z.number(), z.boolean()])))
    .optional()
    .meta({
      description: 'Claim → values; whoever has one of the values may pass.',
      examples: [{ groups: ['staff'] }],
    }),
  allow_any_authenticated_user: z.boolean().optional().meta({
    description: 'Whoever can sign in may pass. Unset: false.',
  }),
  allow_public_unauthenticated_access: z.boolean().optional().meta({
    description: 'Everyone may pass without signing in. Unset: false.',
  }),
  cors_allow_preflight: z.boolean().optional().meta({
    description:
      'CORS preflight requests (OPTIONS with Origin and Access-Control-Request-Method) go to the upstream without signing in. Unset: false.',
  }),
}

/** Longer help belongs behind a link. */
const LONGEST_HELP = 4000

const Markdown = z.string().min(1).max(LONGEST_HELP)

const words = {
  description: z.string().optional().meta({ description: 'For whoever reads the file; shown nowhere.' }),
  explanation: Markdown.optional().meta({
    description:
      'Why people are refused by this policy, for the denial page. Markdown: paragraphs, lists, links, bold, code.',
    examples: ['Payroll is open to the finance team only.'],
  }),
  remediation: Markdown.optional().meta({
    description: 'What they can do about it, likewise.',
    examples: ['Ask for access in the [service desk](https://desk.example.com/access).'],
  }),
}

const NamedPolicy = z.strictObject({ ...whoMayPass, ...words })

const SubPolicy = z.strictObject({
  name: z
    .string()
    .min(1)
    .meta({
      description: 'Shown in logs and in explanations.',
      examples: ['finance team'],
    }),
  id: z.string().optional().meta({ description: 'Taken, and not used.' }),
  ...whoMayPass,
  ...words,
})

export const namedPolicies = {
  policies: z
    .record(z.string().min(1), NamedPolicy)
    .optional()
    .meta({
      description: 'Name → policy, for routes to name under their own key `policies`.',
      examples: [
        {
          staff: {
            policy: [{ allow: { and: [{ groups: { has: 'staff' } }] } }],
            remediation: 'Ask the service desk for the group `staff`.',
          },
        },
      ],
    }),
}

export const policiesOfRoute = {
  policies: z
    .array(z.string().min(1))
    .superRefine((names, context) => {
      for (const [index, name] of names.entries()) {
        if (names.indexOf(name) !== index)
          context.addIssue({ code: 'custom', message: `"${name}" stands twice in the list`, path: [index] })
      }
    })
    .optional()
    .meta({
      description:
        'Names of policies under the global key `policies`. Their rules join those of the route: any allow allows, any deny denies.',
      examples: [['staff', 'office network only']],
    }),
  sub_policies: z.array(SubPolicy).optional().meta({
    description: 'Policies of this route alone that have a name and texts of their own.',
  }),
}
