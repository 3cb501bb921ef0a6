/**
 * Clients that show a certificate in the TLS handshake, and those that should.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import {
  createClientAuthority,
  der,
  type Holder,
  newSerial,
  SERVER_AUTHENTICATION,
  selfSigned,
} from '../../src/config/client-authority.fixture.ts'
import type { HttpResponse, HttpVersion } from '../harness/http-client.ts'
import { request } from '../harness/http-client.ts'
import type { Route } from '../harness/sallyport.ts'
import { PUBLIC, STAFF_ONLY, type Stack, startStack } from '../harness/stack.ts'

const DAY_MS = 86_400_000
const root = await createClientAuthority('Root')
const intermediate = await root.authority('Intermediate')
const third = await intermediate.authority('Third')
const impostor = await createClientAuthority('Root')
const partner = await createClientAuthority('Partner')
const revokedSerial = newSerial()

const chain = (leaf: Holder, ...between: readonly Holder[]) => ({
  cert: [leaf, ...between].map(({ cert }) => cert).join(''),
  key: leaf.key,
})

/** What a client may show, by a word for it. */
const CLIENTS = {
  good: await root.issue({
    subject: 'CN=ci',
    names: [
      { type: 'dns', value: 'ci.example.com' },
      { type: 'dns', value: 'a,b.example.com' },
      { type: 'email', value: 'ci@example.com' },
    ],
  }),
  other: await root.issue({ names: [{ type: 'dns', value: 'other.example.com' }] }),
  'through an intermediate': chain(await intermediate.issue(), intermediate),
  'of the intermediate, without it': await intermediate.issue(),
  'too deep': chain(await third.issue(), third, intermediate),
  expired: await root.issue({ notAfter: new Date(Date.now() - DAY_MS / 2) }),
  'not valid yet': await root.issue({ notBefore: new Date(Date.now() + DAY_MS) }),
  revoked: await root.issue({ serial: revokedSerial }),
  'for servers': await root.issue({ purposes: [SERVER_AUTHENTICATION] }),
  'with a NUL in a name': await root.issue({ rawNames: der(0x30, der(0x82, 'ci.example.com\0.evil.test')) }),
  'of another CA of the same name': await impostor.issue(),
  'of its own': await selfSigned(),
  'of a partner': await partner.issue(),
  none: undefined,
} as const
type ClientName = keyof typeof CLIENTS

const VALID: readonly ClientName[] = ['good', 'other', 'through an intermediate']
const INVALID = (Object.keys(CLIENTS) as ClientName[]).filter(
  (name) => !VALID.includes(name) && name !== 'none',
)
const VERSIONS: readonly HttpVersion[] = ['1.1', '2']

const routesOf = ({ url, upstream }: Pick<Stack, 'url' | 'upstream'>): readonly Route[] => [
  {
    from: url('public', ''),
    to: upstream.url,
    ...PUBLIC,
    allow_websockets: true,
    set_request_headers: {
      'X-Cert': '$pomerium.client_cert_fingerprint',
      'X-Dns': '$pomerium.client_cert_san_dns',
      'X-Email': '$pomerium.client_cert_san_email',
      'X-Raw': '$pomerium.request.headers["X-Forwarded-Client-Cert"]',
    },
  },
  { from: url('app', ''), to: upstream.url, ...STAFF_ONLY },
  {
    from: url('api', ''),
    to: upstream.url,
    policy: { allow: { and: [{ client_certificate: { san_dns: 'ci.example.com' } }] } },
  },
  { from: url('wiki', ''), to: upstream.url, ...PUBLIC, tls_downstream_client_ca: partner.cert },
]

async function stackWith(mtls: object, options: { readonly routes?: typeof routesOf } = {}): Promise<Stack> {
  const stack = await startStack({
    settings: {
      downstream_mtls: {
        ca_file: 'clients-ca.pem',
        crl_file: 'clients-crl.pem',
        max_verify_depth: 2,
        ...mtls,
      },
      authorize_log_fields: ['host', 'client-certificate'],
      access_log_fields: ['authority', 'client-certificate'],
    },
    beforeServe: async ({ folder }) => {
      await writeFile(join(folder, 'clients-ca.pem'), root.cert)
      await writeFile(join(folder, 'clients-crl.pem'), await root.revocationList([revokedSerial]))
    },
    routes: options.routes ?? routesOf,
  })
  return stack
}

const getter =
  (stack: Stack) =>
  async (
    host: string,
    client: ClientName,
    options: {
      readonly version?: HttpVersion
      readonly headers?: Record<string, string>
      readonly path?: string
    } = {},
  ): Promise<HttpResponse> => {
    const { path = '/', ...rest } = options
    const shown = CLIENTS[client]
    return await request({
      url: stack.url(host, path),
      ca: stack.ca.cert,
      ...rest,
      headers: { accept: 'application/json', ...rest.headers },
      ...(shown === undefined ? {} : { client: { cert: shown.cert, key: shown.key } }),
    })
  }

describe('policy_with_default_deny', async () => {
  const stack = await stackWith({})
  after(() => stack[Symbol.asyncDispose]())
  const get = getter(stack)
  const page = { accept: 'text/html' }

  for (const version of VERSIONS) {
    for (const client of VALID) {
      it(`lets a client through with a certificate that is ${client}, over HTTP/${version}`, async () => {
        assert.equal((await get('public', client, { version })).status, 200)
      })
    }
    for (const client of INVALID) {
      it(`refuses a certificate ${client}, over HTTP/${version}, and sends nothing on`, async () => {
        stack.upstream.drain()
        const answer = await get('public', client, { version })
        assert.equal(answer.status, 495)
        assert.equal(answer.json<{ error: string }>().error, 'invalid_client_certificate')
        assert.equal(stack.upstream.drain(), 0)
      })
    }
    it(`refuses a client without one over HTTP/${version}, whatever headers it sends`, async () => {
      const forged = { 'x-forwarded-client-cert': `Hash=00;Chain="${encodeURIComponent(CLIENTS.good.cert)}"` }
      stack.upstream.drain()
      for (const headers of [{}, forged]) {
        const answer = await get('public', 'none', { version, headers })
        assert.equal(answer.status, 495)
        assert.equal(answer.json<{ error: string }>().error, 'client_certificate_required')
      }
      assert.equal((await get('public', 'expired', { version, headers: forged })).status, 495)
      assert.equal(stack.upstream.drain(), 0)
    })
  }

  it('refuses before it asks anybody to sign in', async () => {
    const refused = await get('app', 'none', { headers: page })
    assert.equal(refused.status, 495)
    assert.match(refused.text, /A client certificate is needed/)
    assert.equal((await get('app', 'good', { headers: page })).status, 302)
  })

  it('leaves its own pages open', async () => {
    assert.equal((await get('authenticate', 'none', { path: '/.well-known/pomerium' })).status, 200)
    assert.equal((await get('app', 'none', { path: '/.well-known/pomerium/jwks.json' })).status, 200)
  })
})
