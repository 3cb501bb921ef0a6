/**
 * People and groups of GitLab. Whoever is in a group is in its subgroups too, which GitLab itself works out.
 *
 * @module
 * @see https://docs.gitlab.com/api/members/
 */
import { z } from 'zod'
import type { PulledDirectory } from '../../config/config.ts'
import { Api, type ApiPorts, eachOf } from './api.ts'
import { type Listing, ListingBuilder, mapped } from './listing.ts'

const Group = z.object({ id: z.int(), full_path: z.string().min(1) })
const Members = z.array(z.object({ id: z.int(), state: z.string(), email: z.string().nullish() }))

const PAGES = 'per_page=100'
/** Guest: on gitlab.com everybody sees all public groups. */
const OWN = `min_access_level=10&${PAGES}`

export async function pullGitlab(
  { url, token, groups: named }: PulledDirectory<'gitlab'>,
  ports: ApiPorts,
): Promise<Listing> {
  const api = new Api({ ...ports, url, headers: { 'private-token': token.reveal() } })
  const listing = new ListingBuilder()
  const groups =
    named === undefined
      ? await api.getAll(`/api/v4/groups?${OWN}`, z.array(Group))
      : (await eachOf(named, (path) => withSubgroups(api, path))).flat()
  const once = new Map(groups.map((group) => [group.id, group]))
  await eachOf([...once.values()], async ({ id, full_path }) => {
    const members = await api.getAll(`/api/v4/groups/${id}/members/all?${PAGES}`, Members)
    const people = await mapped(members, (member) =>
      listing.person(String(member.id), {
        emails: [member.email],
        isActive: member.state === 'active',
      }),
    )
    listing.group(String(id), full_path, { people })
  })
  return await listing.build()
}

async function withSubgroups(api: Api, path: string): Promise<z.output<typeof Group>[]> {
  const at = `/api/v4/groups/${encodeURIComponent(path)}`
  const { body } = await api.get(`${at}?with_projects=false`, Group)
  return [body, ...(await api.getAll(`${at}/descendant_groups?${PAGES}`, z.array(Group)))]
}
