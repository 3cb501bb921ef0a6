/**
 * Organizations of GitHub and their teams, called as sign-in with GitHub calls them: `org` and `org/team`.
 *
 * Members of a team include those of the teams below it. Addresses are not told; people are found by their
 * number.
 *
 * @module
 * @see https://docs.github.com/rest/teams/members
 */
import { z } from 'zod'
import type { PulledDirectory } from '../../config/config.ts'
import { Api, type ApiPorts, eachOf } from './api.ts'
import { type Listing, ListingBuilder, mapped } from './listing.ts'

const Members = z.array(z.object({ id: z.int().positive(), suspended_at: z.string().nullish() }))
const Teams = z.array(z.object({ slug: z.string().min(1) }))

export async function pullGithub(
  { url, token, organizations }: PulledDirectory<'github'>,
  ports: ApiPorts,
): Promise<Listing> {
  const headers = {
    authorization: `Bearer ${token.reveal()}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
    // Without one GitHub refuses (REST API, "User agent required").
    'user-agent': 'sallyport',
  }
  const api = new Api({ ...ports, url, headers })
  const listing = new ListingBuilder()
  const take = async (id: string, address: string) => {
    const members = await api.getAll(`${address}/members?per_page=100`, Members)
    const people = await mapped(members, ({ id: number, suspended_at: suspendedAt }) =>
      listing.person(String(number), { isActive: suspendedAt === undefined || suspendedAt === null }),
    )
    listing.group(id, undefined, { people })
  }
  for (const organization of organizations) {
    const at = `/orgs/${encodeURIComponent(organization)}`
    await take(organization, at)
    const teams = await api.getAll(`${at}/teams?per_page=100`, Teams)
    await eachOf(teams, ({ slug }) =>
      take(`${organization}/${slug}`, `${at}/teams/${encodeURIComponent(slug)}`),
    )
  }
  return await listing.build()
}
