/**
 * What GitHub's API says of the owner of a token.
 *
 * @module
 */
import { z } from 'zod'
import { Fault } from '../../errors.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import { MAX_GROUPS, type Profile, profileOf } from '../claims.ts'

const PAGE_SIZE = 100
const MAX_PAGES = 60

const User = z.object({
  id: z.int().positive(),
  login: z.string().min(1),
  name: z.string().nullish(),
  avatar_url: z.string().nullish(),
})
const Emails = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }))
const Orgs = z.array(z.object({ login: z.string().min(1) }))
const Teams = z.array(
  z.object({ slug: z.string().min(1), organization: z.object({ login: z.string().min(1) }) }),
)

export interface GitHubApi {
  readonly http: HttpClient
  /** `https://api.github.com`, or `…/api/v3` of a server of one's own. */
  readonly apiUrl: string
  readonly accessToken: string
}

/**
 * The number is who somebody is: names can be given up, and taken by others.
 *
 * Groups are organizations, `org`, and teams, `org/team`; unknown when the token may not see them.
 */
export async function gitHubProfile(api: GitHubApi): Promise<Profile & { readonly userId: string }> {
  const user = shaped(User, await ask(api, '/user'))
  const [email, groups] = await Promise.all([primaryEmail(api), groupsOf(api)])
  const profile = profileOf({
    sub: String(user.id),
    login: user.login,
    preferred_username: user.login,
    name: user.name ?? user.login,
    picture: user.avatar_url,
    email,
    email_verified: email === undefined ? undefined : true,
    ...(groups === 'unknown' ? { hasgroups: true } : { groups }),
  })
  return { userId: String(user.id), ...profile }
}

/** The address on the public profile is not it: only here it says which one is verified. */
async function primaryEmail(api: GitHubApi): Promise<string | undefined> {
  const emails = await askIfAllowed(api, '/user/emails?per_page=100')
  return emails === 'refused'
    ? undefined
    : shaped(Emails, emails).find(({ primary, verified }) => primary && verified)?.email
}

async function groupsOf(api: GitHubApi): Promise<readonly string[] | 'unknown'> {
  const [orgs, teams] = await Promise.all([allPages(api, '/user/orgs'), allPages(api, '/user/teams')])
  if (orgs === 'unknown' || teams === 'unknown') return 'unknown'
  const names = [
    ...shaped(Orgs, orgs).map(({ login }) => login),
    ...shaped(Teams, teams).map(({ slug, organization }) => `${organization.login}/${slug}`),
  ]
  return names.length > MAX_GROUPS ? 'unknown' : names
}

async function allPages(api: GitHubApi, path: string): Promise<readonly unknown[] | 'unknown'> {
  const all: unknown[] = []
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const answer = await askIfAllowed(api, `${path}?per_page=${PAGE_SIZE}&page=${page}`)
    if (!Array.isArray(answer)) return 'unknown'
    const items: readonly unknown[] = answer
    all.push(...items)
    if (items.length < PAGE_SIZE) return all
  }
  return 'unknown'
}

function shaped<T>(schema: z.ZodType<T>, value: unknown): T {
  const { data } = schema.safeParse(value)
  if (data === undefined)
    throw new Fault('IDP_ANSWER_INVALID', 'GitHub: an answer of a form that is not known')
  return data
}

/** A token without the scope, or an app without the permission, gets 403 or 404. */
async function askIfAllowed(api: GitHubApi, path: string): Promise<unknown> {
  const answer = await send(api, path)
  if (answer.status === 404 || (answer.status === 403 && !isRateLimit(answer))) return 'refused'
  return read(answer)
}

async function ask(api: GitHubApi, path: string): Promise<unknown> {
  return read(await send(api, path))
}

async function read(answer: Response): Promise<unknown> {
  if (answer.status === 200) return answer.json().catch(() => undefined)
  if (isRateLimit(answer)) throw new Fault('IDP_UNREACHABLE', 'GitHub: too many requests for now')
  // Its status is read where faults are made.
  throw new Error('GitHub refuses', { cause: answer })
}

async function send({ http, apiUrl, accessToken }: GitHubApi, path: string): Promise<Response> {
  return http.fetch(apiUrl + path, {
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${accessToken}`,
      'user-agent': 'sallyport',
      'x-github-api-version': '2022-11-28',
    },
  })
}

function isRateLimit({ status, headers }: Response): boolean {
  const isSpent = headers.get('x-ratelimit-remaining') === '0' || headers.has('retry-after')
  return status === 429 || (status === 403 && isSpent)
}
