/**
 * Issuers whose tokens anybody in the world can get: trusting one without saying whose tokens are meant lets
 * everybody in.
 *
 * @module
 */
import type { ClaimPin } from './bearer-keys.ts'

interface PublicIssuer {
  /** In words, for a message. */
  readonly whose: string
  readonly matches: (issuer: URL) => boolean
  /**
   * Claims that tie a token to its owner, and what a prefix must have in it to end where the owner's name
   * ends.
   */
  readonly owners: Readonly<Record<string, RegExp | 'whole'>>
}

/** An issuer that has this host to itself. */
const host =
  (...names: readonly string[]) =>
  ({ hostname }: URL): boolean =>
    names.includes(hostname)

/** A host where longer paths are issuers of one customer each. */
const bareHost =
  (name: string) =>
  ({ hostname, pathname }: URL): boolean =>
    hostname === name && pathname.replaceAll('/', '') === ''

const SITES_OF_PEOPLE = [
  'accounts.google.com',
  'appleid.apple.com',
  'www.facebook.com',
  'www.linkedin.com',
  'slack.com',
  'id.twitch.tv',
  'api.login.yahoo.com',
  'login.salesforce.com',
  'oauth2.sigstore.dev',
  'cognito-identity.amazonaws.com',
]

const OWNER = /^[^/*]+\//

const PUBLIC_ISSUERS: readonly PublicIssuer[] = [
  {
    whose: 'every repository on GitHub',
    matches: bareHost('token.actions.githubusercontent.com'),
    // Not job_workflow_ref: a reusable workflow that others may read runs in their repositories under its own
    // name.
    owners: {
      repository: OWNER,
      repository_id: 'whole',
      repository_owner: 'whole',
      repository_owner_id: 'whole',
      sub: /^repo:[^/*]+\//,
      workflow_ref: /^[^/*]+\/[^/*]+\//,
      enterprise: 'whole',
      enterprise_id: 'whole',
    },
  },
  {
    whose: 'every project on gitlab.com',
    matches: host('gitlab.com'),
    // Not ci_config_ref_uri: any project may run the pipeline of another.
    owners: {
      project_path: OWNER,
      project_id: 'whole',
      namespace_path: OWNER,
      namespace_id: 'whole',
      sub: /^project_path:[^/*]+\//,
    },
  },
  {
    whose: 'everybody with an account there',
    matches: ({ hostname }) => SITES_OF_PEOPLE.includes(hostname),
    owners: { sub: 'whole', email: 'whole', hd: 'whole', 'google/compute_engine/project_id': 'whole' },
  },
  {
    whose: 'every organisation that uses Microsoft Entra',
    matches: ({ hostname, pathname }) =>
      ['login.microsoftonline.com', 'sts.windows.net'].includes(hostname) &&
      /^\/(?:common|organizations|consumers|\{tenantid\}|9188040d-6c67-4c5b-b112-36a304b66dad)(?:\/|$)/i.test(
        decodeURIComponent(pathname),
      ),
    owners: { tid: 'whole', oid: 'whole', sub: 'whole' },
  },
  {
    whose: 'every organisation on HCP Terraform',
    matches: host('app.terraform.io'),
    owners: {
      terraform_organization_id: 'whole',
      terraform_organization_name: 'whole',
      terraform_project_id: 'whole',
      terraform_workspace_id: 'whole',
      sub: /^organization:[^:*]+:/,
    },
  },
  {
    whose: 'every organisation on Buildkite',
    matches: host('agent.buildkite.com'),
    owners: {
      organization_slug: 'whole',
      organization_id: 'whole',
      pipeline_id: 'whole',
      sub: /^organization:[^:*]+:/,
    },
  },
  {
    whose: 'every team on Vercel',
    matches: bareHost('oidc.vercel.com'),
    owners: { owner: 'whole', owner_id: 'whole', project_id: 'whole', sub: /^owner:[^:*]+:/ },
  },
  {
    whose: 'every organisation on Pulumi Cloud',
    matches: host('api.pulumi.com'),
    owners: { sub: /^pulumi:[^*]*org:[^:*]+:/ },
  },
  {
    whose: 'every account on Codefresh',
    matches: host('oidc.codefresh.io'),
    owners: { account_id: 'whole', sub: /^account:[^:*]+:/ },
  },
]

/**
 * What is missing for an issuer to be trusted, as the end of a sentence; `undefined` when nothing is.
 *
 * @param issuer as it is written, `kubernetes:///` too
 */
export function looseTrust(issuer: string, pins: Readonly<Record<string, ClaimPin>>): string | undefined {
  const url = URL.parse(issuer)
  const found = url === null ? undefined : PUBLIC_ISSUERS.find(({ matches }) => matches(url))
  if (found === undefined) return undefined
  const isTied = Object.entries(pins).some(([claim, pin]) => {
    const owner = Object.hasOwn(found.owners, claim) ? found.owners[claim] : undefined
    return owner !== undefined && narrows(pin, owner)
  })
  if (isTied) return undefined
  const claims = Object.keys(found.owners).map((claim) => `\`${claim}\``)
  return `${found.whose} gets tokens of this issuer. Tie it to yours by one of ${claims.join(', ')} under \`claims\`, whole or up to the end of the owner's name`
}

function narrows(pin: ClaimPin, owner: RegExp | 'whole'): boolean {
  if (!isPrefix(pin)) return true
  return owner !== 'whole' && owner.test(pin.starts_with)
}

function isPrefix(pin: ClaimPin): pin is { readonly starts_with: string } {
  return typeof pin === 'object' && 'starts_with' in pin
}

/** A pin that says less than its author meant. */
export function pinProblem(pin: ClaimPin): string | undefined {
  const texts = isPrefix(pin) ? [pin.starts_with] : [pin].flat().map(String)
  const wild = texts.find((text) => text.includes('*'))
  if (wild === undefined) return undefined
  return `"${wild}" has a *, which stands for itself here; ${
    isPrefix(pin) ? 'leave it out: what begins so, matches' : 'use {starts_with: text}'
  }`
}
