/**
 * People and groups of Google Workspace, by the Admin SDK Directory API.
 *
 * A service account asks in the name of an administrator (domain-wide delegation).
 *
 * @module
 * @see https://developers.google.com/admin-sdk/directory/reference/rest/v1/members
 * @see https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */
import { importPKCS8, SignJWT } from 'jose'
import { z } from 'zod'
import type { PulledDirectory } from '../../config/config.ts'
import { SourceFailure } from '../../outbound/kept-copy.ts'
import { Api, type ApiPorts, eachOf, fetchToken, type Page } from './api.ts'
import { type Listing, ListingBuilder, mapped } from './listing.ts'

const SCOPES = [
  'https://www.googleapis.com/auth/admin.directory.user.readonly',
  'https://www.googleapis.com/auth/admin.directory.group.readonly',
  'https://www.googleapis.com/auth/admin.directory.group.member.readonly',
]

const ServiceAccount = z.object({
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().optional(),
})
const Users = z.object({
  users: z
    .array(
      z.object({
        id: z.string().min(1),
        primaryEmail: z.string(),
        suspended: z.boolean().optional(),
        archived: z.boolean().optional(),
      }),
    )
    .default([]),
  nextPageToken: z.string().optional(),
})
const Groups = z.object({
  groups: z.array(z.object({ id: z.string().min(1), email: z.string() })).default([]),
  nextPageToken: z.string().optional(),
})
const Members = z.object({
  members: z
    .array(
      z.object({
        id: z.string().optional(),
        email: z.string().optional(),
        type: z.string().optional(),
        status: z.string().optional(),
      }),
    )
    .default([]),
  nextPageToken: z.string().optional(),
})

const TOKEN_SECONDS = 3600

export async function pullGoogle(source: PulledDirectory<'google'>, ports: ApiPorts): Promise<Listing> {
  const token = await fetchToken(ports, source.token_url, {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: await assertionFor(source, ports.now()),
  })
  const api = new Api({ ...ports, url: source.url, headers: { authorization: `Bearer ${token}` } })
  const listing = new ListingBuilder()
  const customer = `customer=${encodeURIComponent(source.customer)}`

  const users = await pages(api, `/admin/directory/v1/users?${customer}&maxResults=500`, Users)
  await mapped(
    users.flatMap((page) => page.users),
    ({ id, primaryEmail, suspended, archived }) =>
      listing.person(id, { emails: [primaryEmail], isActive: suspended !== true && archived !== true }),
  )
  const everybody = [...listing.people]

  const found = await pages(api, `/admin/directory/v1/groups?${customer}&maxResults=200`, Groups)
  const groups = found.flatMap((page) => page.groups)
  await eachOf(groups, async ({ id, email }) => {
    const at = `/admin/directory/v1/groups/${encodeURIComponent(id)}/members?maxResults=200`
    const members = (await pages(api, at, Members)).flatMap((page) => page.members)
    const idsOf = (type: string) =>
      members.flatMap((member) => (member.type === type && member.id !== undefined ? member.id : []))
    // A member of another organisation is known by nothing but what the group says.
    await mapped(members, ({ type, id: memberId, email: address, status }) => {
      if (type === 'USER' && memberId !== undefined)
        listing.person(memberId, { emails: [address], isActive: isInUse(status) })
    })
    const isForAll = members.some(({ type }) => type === 'CUSTOMER')
    // Groups have names too, which need not differ; the address is what nobody else has.
    listing.group(id, email, {
      people: isForAll ? [...everybody, ...idsOf('USER')] : idsOf('USER'),
      groups: idsOf('GROUP'),
    })
  })
  return await listing.build()
}

/** Of somebody of another organisation often nothing is told. */
const isInUse = (status = 'ACTIVE') => status === 'ACTIVE' || status === 'UNKNOWN'

async function pages<Body extends { readonly nextPageToken?: string | undefined }>(
  api: Api,
  address: string,
  schema: z.ZodType<Body>,
): Promise<Body[]> {
  const all: Body[] = []
  for (let token: string | undefined = ''; token !== undefined; ) {
    const at: string = token === '' ? address : `${address}&pageToken=${encodeURIComponent(token)}`
    const { body }: Page<Body> = await api.get(at, schema)
    all.push(body)
    token = body.nextPageToken === '' ? undefined : body.nextPageToken
  }
  return all
}

async function assertionFor(
  { service_account, subject, token_url }: PulledDirectory<'google'>,
  now: number,
): Promise<string> {
  const account = accountOf(service_account.reveal())
  if (account === undefined)
    throw new SourceFailure('`service_account` is no key of a service account in JSON')
  const seconds = Math.floor(now / 1000)
  try {
    const key = await importPKCS8(account.private_key, 'RS256')
    return await new SignJWT({ scope: SCOPES.join(' ') })
      .setProtectedHeader({
        alg: 'RS256',
        typ: 'JWT',
        ...(account.private_key_id && { kid: account.private_key_id }),
      })
      .setIssuer(account.client_email)
      .setSubject(subject)
      .setAudience(token_url)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + TOKEN_SECONDS)
      .sign(key)
  } catch {
    throw new SourceFailure('the private key of `service_account` can not be used')
  }
}

function accountOf(text: string): z.output<typeof ServiceAccount> | undefined {
  try {
    return ServiceAccount.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
