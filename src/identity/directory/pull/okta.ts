/**
 * People and groups of an Okta organisation.
 *
 * @module
 * @see https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/
 */
import { z } from 'zod'
import type { PulledDirectory } from '../../../config/config.ts'
import { Api, type ApiPorts, eachOf } from './api.ts'
import { type Listing, ListingBuilder } from './listing.ts'

const Groups = z.array(z.object({ id: z.string().min(1), profile: z.object({ name: z.string().nullish() }) }))
const Users = z.array(
  z.object({
    id: z.string().min(1),
    status: z.string(),
    profile: z.object({ email: z.string().nullish(), login: z.string().nullish() }),
  }),
)

/** Those of other states can sign in, or could after a step of their own. */
const SWITCHED_OFF = new Set(['SUSPENDED', 'DEPROVISIONED'])

export async function pullOkta({ url, token }: PulledDirectory<'okta'>, ports: ApiPorts): Promise<Listing> {
  const headers = { authorization: `SSWS ${token.reveal()}`, accept: 'application/json' }
  const api = new Api({ ...ports, url, headers })
  const listing = new ListingBuilder()
  const groups = await api.getAll('/api/v1/groups?limit=200', Groups)
  await eachOf(groups, async ({ id, profile }) => {
    const users = await api.getAll(`/api/v1/groups/${encodeURIComponent(id)}/users?limit=200`, Users)
    const people = users.map((user) =>
      listing.person(user.id, {
        emails: [
          user.profile.email,
          user.profile.login?.includes('@') === true ? user.profile.login : undefined,
        ],
        isActive: !SWITCHED_OFF.has(user.status),
      }),
    )
    listing.group(id, profile.name, { people })
  })
  return listing.build()
}
