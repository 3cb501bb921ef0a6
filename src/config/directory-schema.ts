/**
 * Keys of the directories that groups come from.
 *
 * @module
 */

import { z } from 'zod'
import { FilePath, SecretText } from './reference.ts'

const SourceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be of a-z, 0-9, "-" and "_", and begin with a letter or digit')
  .meta({ description: 'Name in the log, in `/status`, in metrics and in addresses. Each only once.' })

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
        'What of the signed-in person is looked up: `email` (only a verified one counts), `user_id` (the `sub` of the identity provider) or `claim/<name>`, such as `claim/oid`; the last two are compared with the ids of the directory.',
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
  token: SecretText.optional().meta({
    description:
      'Token that the identity provider shows as a bearer token (RFC 6750): at least 16 characters, another for each source. It tells which source is meant.',
    examples: ['env:SCIM_TOKEN'],
  }),
  token_file: FilePath.optional().meta({ description: 'The same, from a file.' }),
})

const DirectorySourceKeys = z.discriminatedUnion('type', [File, Scim], {
  error: 'needs a `type`: file or scim',
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
