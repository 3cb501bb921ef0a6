/**
 * People and groups of Microsoft Entra ID, by Microsoft Graph.
 *
 * Groups come with their members by the delta query, whose first round is the whole: a few pages instead of a
 * question for each group. A group with many members comes in several pages.
 *
 * @module
 * @see https://learn.microsoft.com/graph/delta-query-groups
 */
import { z } from 'zod'
import type { PulledDirectory } from '../../config/config.ts'
import { SourceFailure } from '../../outbound/kept-copy.ts'
import { Api, type ApiPorts, fetchToken } from './api.ts'
import { type Listing, ListingBuilder } from './listing.ts'

const User = z.object({
  id: z.string().min(1),
  mail: z.string().nullish(),
  userPrincipalName: z.string().nullish(),
  accountEnabled: z.boolean().nullish(),
})
const Member = z.object({
  id: z.string().min(1),
  '@odata.type': z.string().optional(),
  '@removed': z.unknown().optional(),
})
const Group = z.object({
  id: z.string().min(1),
  displayName: z.string().nullish(),
  '@removed': z.unknown().optional(),
  'members@delta': z.array(Member).optional(),
})
const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ value: z.array(item), '@odata.nextLink': z.string().optional() })

export async function pullAzure(
  { directory_id, client_id, client_secret, url, login_url }: PulledDirectory<'azure'>,
  ports: ApiPorts,
): Promise<Listing> {
  const token = await fetchToken(
    ports,
    `${login_url.replace(/\/+$/, '')}/${directory_id}/oauth2/v2.0/token`,
    {
      grant_type: 'client_credentials',
      client_id,
      client_secret: client_secret.reveal(),
      scope: `${url.replace(/\/+$/, '')}/.default`,
    },
  )
  const api = new Api({ ...ports, url, headers: { authorization: `Bearer ${token}` } })
  const listing = new ListingBuilder()
  const users = '/v1.0/users?$select=id,mail,userPrincipalName,accountEnabled&$top=999'
  let isToldStates = false
  for await (const { id, mail, userPrincipalName, accountEnabled } of pages(api, users, pageOf(User))) {
    isToldStates ||= typeof accountEnabled === 'boolean'
    listing.person(id, { emails: [mail, userPrincipalName], isActive: accountEnabled === true })
  }
  if (!isToldStates)
    throw new SourceFailure(
      'it does not tell whose account is enabled: grant User.Read.All, with admin consent',
    )
  const groups = '/v1.0/groups/delta?$select=displayName,members'
  for await (const group of pages(api, groups, pageOf(Group))) {
    if (group['@removed'] !== undefined) continue
    const members = (group['members@delta'] ?? []).filter((member) => member['@removed'] === undefined)
    const isGroup = (member: z.output<typeof Member>) => member['@odata.type'] === '#microsoft.graph.group'
    listing.group(group.id, group.displayName, {
      people: members.filter((member) => !isGroup(member)).map(({ id }) => id),
      groups: members.filter(isGroup).map(({ id }) => id),
    })
  }
  return await listing.build()
}

interface GraphPage<Item> {
  readonly value: Item[]
  readonly '@odata.nextLink'?: string | undefined
}

async function* pages<Item>(
  api: Api,
  address: string,
  schema: z.ZodType<GraphPage<Item>>,
): AsyncGenerator<Item> {
  for (let next: string | undefined = address; next !== undefined; ) {
    const page: GraphPage<Item> = (await api.get(next, schema)).body
    yield* page.value
    next = page['@odata.nextLink']
  }
}
