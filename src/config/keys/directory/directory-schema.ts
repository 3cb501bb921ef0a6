/**
 * Keys of the directories that groups come from.
 *
 * @module
 */

import { z } from 'zod'
import { shownText } from '../../../shown-url.ts'
import { Duration, PositiveDuration } from '../../values/duration.ts'
import { secretKey } from '../../values/reference.ts'

const SourceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be of a-z, 0-9, "-" and "_", and begin with a letter or digit')
  .meta({ description: 'Name in the log, in `/status`, in metrics and in the store. Each only once.' })

const MatchBy = z
  .string()
  .regex(/^(?:email|user_id|claim\/.+)$/, 'must be email, user_id or claim/<name of a claim>')

/** What every kind of source has. */
function common(matchBy: string) {
  return {
    name: SourceName,
    provider: z.string().min(1).optional().meta({
      description:
        'Only people who signed in through this provider are looked up here: a name of `sign_in_providers`, or `default` for the one of the `idp_…` keys. Unset: everybody.',
    }),
    match_by: MatchBy.default(matchBy).meta({
      description:
        'What of the signed-in person is looked up. `email` counts only if it is verified. `user_id` is the `sub` of the identity provider. `claim/<name>` is another claim, such as `claim/oid`. The last two are compared with the ids of the directory.',
    }),
    group_names: z.boolean().default(true).meta({
      description:
        'Whether the names of groups count beside their ids. A name that two groups of the source share, or that is the id of another group, never counts.',
    }),
  }
}

const File = z.strictObject({
  type: z.literal('file').meta({ description: 'A file of this machine, read again when it changes.' }),
  ...common('email'),
  path: z
    .string()
    .min(1, 'names no file')
    .meta({
      description: 'The file: YAML, JSON or CSV; relative to the folder of the config file.',
      examples: ['people.yaml'],
    }),
  format: z
    .enum(['yaml', 'json', 'csv'])
    .optional()
    .meta({ description: 'Its form. Unset: by the end of its name.' }),
})

const Scim = z.strictObject({
  type: z.literal('scim').meta({
    description:
      'Pushed by the identity provider over SCIM 2.0 (RFC 7644) to `https://<authenticate host>/.pomerium/scim/v2`, and kept in the state folder under the name of the source.',
  }),
  ...common('email'),
  ...secretKey('token', {
    description:
      'Token that the identity provider shows as a bearer token (RFC 6750): at least 16 characters, another for each source. It tells which source is meant.',
    examples: ['env:SCIM_TOKEN'],
  }),
})

/** Rare enough for whoever is asked. */
const SHORTEST_INTERVAL_MS = 30_000

/** What the sources have that are asked over the network. */
function pulled(matchBy: string) {
  return {
    ...common(matchBy),
    poll_interval: Duration.refine((ms) => ms >= SHORTEST_INTERVAL_MS, 'must be at least 30s')
      .prefault('10m')
      .meta({ description: 'Time between two pulls.' }),
    max_age: PositiveDuration.prefault('24h').meta({
      description: 'How old the last good copy may become. Older, and groups are unknown.',
    }),
  }
}

const apiUrl = (description: string) =>
  z
    .string()
    .superRefine((text, context) => {
      const wrong = urlProblem(text)
      if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong })
    })
    .meta({ description })

function urlProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null) return `"${shownText(text)}" is not a URL`
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return 'must be a base address only, without user name, query or fragment'
  const isHere = /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isHere)) return undefined
  return 'must be an https URL; plain http is for this machine only'
}

const Azure = z.strictObject({
  type: z.literal('azure').meta({
    description:
      'Microsoft Entra ID, read by Microsoft Graph (application permissions GroupMember.Read.All and User.Read.All).',
  }),
  ...pulled('claim/oid'),
  directory_id: z
    .string()
    .regex(/^[\w.-]+$/, 'must be the id or a domain of the tenant')
    .meta({ description: 'Id of the tenant.' }),
  client_id: z.string().min(1).meta({ description: 'Id of the application (OAuth client credentials).' }),
  ...secretKey('client_secret', { description: 'Its secret.' }),
  url: apiUrl('Base address of Microsoft Graph; other for national clouds.').default(
    'https://graph.microsoft.com',
  ),
  login_url: apiUrl('Base address of the token endpoint.').default('https://login.microsoftonline.com'),
})

const Google = z.strictObject({
  type: z.literal('google').meta({
    description:
      'Google Workspace, read by the Admin SDK in the name of an administrator (domain-wide delegation).',
  }),
  ...pulled('user_id'),
  ...secretKey('service_account', { description: 'Key of the service account, as JSON.' }),
  subject: z
    .string()
    .includes('@')
    .meta({
      description: 'Address of the administrator in whose name is asked.',
      examples: ['admin@example.com'],
    }),
  customer: z.string().min(1).default('my_customer').meta({ description: 'Id of the customer.' }),
  url: apiUrl('Base address of the Admin SDK.').default('https://admin.googleapis.com'),
  token_url: apiUrl('Token endpoint.').default('https://oauth2.googleapis.com/token'),
})

const Okta = z.strictObject({
  type: z.literal('okta').meta({ description: 'An Okta organisation, read by its API.' }),
  ...pulled('user_id'),
  url: apiUrl('Address of the organisation, such as `https://example.okta.com`.'),
  ...secretKey('token', { description: 'API token of a read-only administrator.' }),
})

const Gitlab = z.strictObject({
  type: z.literal('gitlab').meta({ description: 'GitLab groups, read by its API.' }),
  ...pulled('user_id'),
  url: apiUrl('Address of GitLab.').default('https://gitlab.com'),
  ...secretKey('token', { description: 'Access token with the scope `read_api`.' }),
  groups: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .meta({
      description:
        'Paths of the groups that are read, with all groups below them. Unset: those that the owner of the token is in.',
      examples: [['example/engineering']],
    }),
})

const Github = z.strictObject({
  type: z
    .literal('github')
    .meta({ description: 'GitHub organizations and their teams, read by the REST API.' }),
  ...pulled('user_id'),
  url: apiUrl('Base address of the API; `https://<host>/api/v3` for a server of your own.').default(
    'https://api.github.com',
  ),
  ...secretKey('token', {
    description: 'Token that may read the members of the organizations (`read:org`).',
  }),
  organizations: z
    .array(z.string().regex(/^[\w-]+$/, 'is not a name of an organization'))
    .min(1)
    .meta({ description: 'Names of the organizations, spelt as GitHub does.', examples: [['example-corp']] }),
})

const DirectorySourceKeys = z.discriminatedUnion('type', [File, Scim, Azure, Google, Okta, Gitlab, Github], {
  error: 'needs a `type`: file, scim, azure, google, okta, gitlab or github',
})
export type DirectorySourceKeys = z.output<typeof DirectorySourceKeys>

export const directory = {
  directory: z
    .array(DirectorySourceKeys)
    .default([])
    .meta({
      description:
        'Where groups come from beside the claims of the identity provider: a list of sources, whose groups are joined.',
      examples: [[{ name: 'people', type: 'file', path: 'people.yaml' }]],
    }),
  groups_from_claims: z.boolean().default(true).meta({
    description:
      'Whether the groups that the identity provider puts into its claims count as groups. With `false` only those of `directory` do; `claim/groups` can be matched either way.',
  }),
}
