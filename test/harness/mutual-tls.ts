/**
 * A stack that asks clients for a certificate, and everything that a client may then show.
 *
 * @module
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createClientAuthority,
  der,
  type Holder,
  newSerial,
  SERVER_AUTHENTICATION,
  selfSigned,
} from '../../src/config/client-authority.fixture.ts'
import { type Client, type HttpResponse, type HttpVersion, request } from './http-client.ts'
import type { Route } from './sallyport.ts'
import { PUBLIC, STAFF_ONLY, type Stack, type StackContext, startStack } from './stack.ts'

const DAY_MS = 86_400_000

export const root = await createClientAuthority('Root')
const intermediate = await root.authority('Intermediate')
const third = await intermediate.authority('Third')
const impostor = await createClientAuthority('Root')
const partner = await createClientAuthority('Partner')
export const PARTNER_LIST = await partner.revocationList([])

export const REVOKED_SERIAL = newSerial()
export const GOOD_SERIAL = newSerial()

const chain = (leaf: Holder, ...between: readonly Holder[]): Client => ({
  cert: [leaf, ...between].map(({ cert }) => cert).join(''),
  key: leaf.key,
})

export const CLIENTS = {
  good: await root.issue({
    subject: 'CN=ci',
    serial: GOOD_SERIAL,
    names: [
      { type: 'dns', value: 'ci.example.com' },
      { type: 'dns', value: 'a,b.example.com' },
      { type: 'email', value: 'ci@example.com' },
    ],
  }),
  'one with another name': await root.issue({ names: [{ type: 'dns', value: 'other.example.com' }] }),
  'one through an intermediate': chain(await intermediate.issue(), intermediate),
  'of an intermediate that is left out': await intermediate.issue(),
  'too deep': chain(await third.issue(), third, intermediate),
  expired: await root.issue({ notAfter: new Date(Date.now() - DAY_MS / 2) }),
  'not valid yet': await root.issue({ notBefore: new Date(Date.now() + DAY_MS) }),
  revoked: await root.issue({ serial: REVOKED_SERIAL }),
  'for servers': await root.issue({ purposes: [SERVER_AUTHENTICATION] }),
  'with a NUL in its name': await root.issue({
    rawNames: der(0x30, der(0x82, 'ci.example.com\0.evil.test')),
  }),
  'of another authority of the same name': await impostor.issue({
    names: [{ type: 'dns', value: 'ci.example.com' }],
  }),
  'of nobody but itself': await selfSigned(),
  'of a partner': await partner.issue(),
} as const
export type ClientName = keyof typeof CLIENTS

export const VALID: readonly ClientName[] = ['good', 'one with another name', 'one through an intermediate']
export const INVALID = Object.keys(CLIENTS).filter(
  (name): name is ClientName => !VALID.some((valid) => valid === name),
)

const routesOf = ({ url, upstream }: StackContext): readonly Route[] => [
  {
    from: url('public', ''),
    to: upstream.url,
    ...PUBLIC,
    allow_websockets: true,
    set_request_headers: {
      'X-Cert': '$pomerium.client_cert_fingerprint',
      'X-Dns': '$pomerium.client_cert_san_dns',
      'X-Email': '$pomerium.client_cert_san_email',
    },
  },
  { from: url('app', ''), to: upstream.url, ...STAFF_ONLY },
  {
    from: url('api', ''),
    to: upstream.url,
    allow_websockets: true,
    policy: { allow: { and: [{ client_certificate: { san_dns: 'ci.example.com' } }] } },
  },
  { from: url('wiki', ''), to: upstream.url, ...PUBLIC, tls_downstream_client_ca: partner.cert },
]

/** @param keys of `downstream_mtls`, besides the files of authorities and revocation list */
export async function startMutualTls(keys: object): Promise<Stack> {
  return await startStack({
    settings: {
      downstream_mtls: {
        ca_file: 'clients-ca.pem',
        crl_file: 'clients-crl.pem',
        max_verify_depth: 2,
        ...keys,
      },
      authorize_log_fields: ['host', 'path', 'client-certificate'],
      access_log_fields: ['authority', 'path', 'client-certificate'],
    },
    beforeServe: async ({ folder }) => {
      await writeFile(join(folder, 'clients-ca.pem'), root.cert)
      await revoke(folder, [REVOKED_SERIAL])
    },
    routes: routesOf,
  })
}

/** Puts a new list in the place of the one that is served by. */
export async function revoke(
  folder: string,
  serials: readonly string[],
  options: Parameters<typeof root.revocationList>[1] = {},
): Promise<void> {
  const list = await root.revocationList(serials, options)
  await writeFile(join(folder, 'clients-crl.pem'), list + PARTNER_LIST)
}

export interface Shot {
  readonly version?: HttpVersion
  readonly headers?: Readonly<Record<string, string>>
  readonly path?: string
}

/** One request over a connection of its own, on which that certificate is shown. */
export async function ask(
  stack: Stack,
  host: string,
  client: ClientName | undefined,
  { path = '/', headers = {}, ...rest }: Shot = {},
): Promise<HttpResponse> {
  return await request({
    url: stack.url(host, path),
    ca: stack.ca.cert,
    ...rest,
    headers: { accept: 'application/json', ...headers },
    ...(client === undefined ? {} : { client: { cert: CLIENTS[client].cert, key: CLIENTS[client].key } }),
  })
}
