/**
 * Whom oauth2-proxy lets in, as a policy of ours.
 *
 * @module
 */
import type { GivenSettings } from './read.ts'

/** Limits of one provider that are no claims of its ID token: without them everybody there would pass. */
const NOT_TOLD = [
  'github_org',
  'github_team',
  'github_repo',
  'github_user',
  'github_users',
  'bitbucket_team',
  'bitbucket_repository',
  'gitlab_projects',
  'google_groups',
  'google_group',
]

interface People {
  /** Rules; none: nobody. */
  readonly policy: readonly object[] | undefined
  readonly notes: readonly string[]
}

export function peopleOf(
  given: GivenSettings,
  alphaGroups: readonly string[],
  alphaRoles: readonly string[],
): People {
  const { values, remarks } = given
  const listed = (key: string) => values.get(key)?.values.filter((text) => text !== '') ?? []
  const notes: string[] = []
  const note = (key: string, text: string) => notes.push(remarks.add(key, text))
  if (listed('htpasswd_file').length > 0)
    note('htpasswd_file', 'passwords are not taken: its users sign in at the provider')
  if (listed('authenticated_emails_file').length > 0)
    note(
      'authenticated_emails_file',
      'is not read: list the addresses under `allowed_users`, or in a policy with `email: { in: […] }`',
    )
  const mails = mailCriteria(
    listed('email_domains'),
    listed('insecure_oidc_allow_unverified_email')[0] === 'true',
  )
  if (mails.length === 0) {
    if (listed('authenticated_emails_file').length === 0)
      note('email_domains', 'is not set: nobody is let in')
    return { policy: undefined, notes }
  }
  const limits = NOT_TOLD.filter((key) => listed(key).length > 0)
  for (const key of limits)
    note(
      key,
      'can not be told from the claims of the provider: nobody is let in until you write a rule with `groups`',
    )
  if (limits.length > 0) return { policy: undefined, notes }
  const groups = [
    ...listed('allowed_groups'),
    ...listed('keycloak_groups'),
    ...listed('gitlab_group'),
    ...alphaGroups,
  ].map((group) => ({ groups: { has: group } }))
  const roles = [...listed('allowed_roles'), ...alphaRoles]
  if (roles.length > 0)
    note(
      'allowed_roles',
      'are read from the claims realm_access and resource_access: let the provider put them into the ID token',
    )
  const members = [...groups, ...roles.map(roleCriterion)]
  const policy = mails.flatMap((mail) =>
    members.length === 0
      ? [{ allow: { and: [mail] } }]
      : members.map((member) => ({ allow: { and: [mail, member] } })),
  )
  return { policy, notes }
}

/** `role`, or `client:role`. */
function roleCriterion(text: string): object {
  const [client, role] = text.split(':')
  return role === undefined
    ? { 'claim/realm_access/roles': { has: text } }
    : { [`claim/resource_access/${client ?? ''}/roles`]: { has: role } }
}

/** With `*` anybody, but with an address that the provider has verified. */
function mailCriteria(domains: readonly string[], areUnverifiedTaken: boolean): readonly object[] {
  const names = domains.map((domain) => domain.toLowerCase().replace(/^@/, ''))
  if (names.includes('*'))
    return [areUnverifiedTaken ? { authenticated_user: true } : { email: { contains: '@' } }]
  const exact = names.filter((name) => !/^[.*]/.test(name))
  const below = names.filter((name) => /^\*?\./.test(name)).map((name) => name.replace(/^\*/, ''))
  return [
    ...(exact.length === 0 ? [] : [{ domain: { in: exact } }]),
    ...below.map((name) => ({ domain: { ends_with: name } })),
  ]
}
