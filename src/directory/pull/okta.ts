/**
 * People and groups of an Okta organisation.
 *
 * @module
 * @see https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/
 */
import { z } from 'zod'
import type { PulledDirectory } from '../../config/config.ts'
import { Api, type ApiPorts, eachOf } from './api.ts'
import { type Listing, ListingBuilder, mapped } from './listing.ts'

const Groups = z.array(z.object({ id: z.string().min(1), profile: z.object({ name: z.string().nullish() }) }))
const Users = z.array(
  z.object({
    id: z.string().min(1),
    status: z.string(),
    profile: z.object({ email: z.string().nullish(), login: z.string().nullish() }),
  }),
)

/**
 * Of people who have an account and may use it, though some have to choose a password first or wait until a
 * lock ends. Any other state, a new one too, is that of nobody who may.
 */
const IN_USE = new Set(['ACTIVE', 'PASSWORD_EXPIRED', 'RECOVERY', 'LOCKED_OUT'])

export async function pullOkta({ url, token }: PulledDirectory<'okta'>, ports: ApiPorts): Promise<Listing> {
  const headers = { authorization: `SSWS ${token.reveal()}`, accept: 'application/json' }
  const api = new Api({ ...ports, url, headers })
  const listing = new ListingBuilder()
  const groups = await api.getAll('/api/v1/groups?limit=200', Groups)
  await eachOf(groups, async ({ id, profile }) => {
    const users = await api.getAll(`/api/v1/groups/${encodeURIComponent(id)}/users?limit=200`, Users)
    const people = await mapped(users, (user) =>
      listing.person(user.id, {
        emails: [
          user.profile.email,
          user.profile.login?.includes('@') === true ? user.profile.login : undefined,
        ],
        isActive: IN_USE.has(user.status),
      }),
    )
    listing.group(id, profile.name, { people })
  })
  return await listing.build()
}
