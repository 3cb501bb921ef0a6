/**
 * Google's token endpoint and metadata server, played: they answer as Google's documentation says, since the
 * real ones can't be reached by tests.
 *
 * @see https://cloud.google.com/run/docs/authenticating/service-to-service
 * @see https://cloud.google.com/compute/docs/instances/verifying-instance-identity
 * @module
 */
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' })

export interface PlayedGoogle extends AsyncDisposable {
  /** `host:port`, as `GCE_METADATA_HOST` takes it. */
  readonly host: string
  /** A key file of a service account whose tokens come from here. */
  readonly keyFile: string
  /** Audiences of the tokens that were asked for, each with the way. */
  readonly asked: string[]
  /** What is answered instead of 200, while set. */
  failure: number | undefined
  /** Answers are held back until this resolves. */
  gate: Promise<void> | undefined
  lifetimeSeconds: number
  /** Whether `Metadata-Flavor` is in the answers. */
  isGoogle: boolean
  /** Whom tokens are for, if not for whom was asked. */
  audience: string | undefined
}

export async function playGoogle(now: () => number = Date.now): Promise<PlayedGoogle> {
  let issued = 0
  const tokenFor = (audience: string): string => {
    const exp = Math.floor(now() / 1000) + google.lifetimeSeconds
    const claims = {
      iss: 'https://accounts.google.com',
      aud: google.audience ?? audience,
      exp,
      jti: `${(issued += 1)}`,
    }
    return [{ alg: 'RS256' }, claims].map(encode).join('.') + `.signature-${issued}`
  }

  const server = createServer((request, response) => {
    respond(request, response).catch(() => response.writeHead(500).end())
  })
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await google.gate
    if (google.failure !== undefined) return void response.writeHead(google.failure).end()
    const url = new URL(request.url ?? '', 'http://google.invalid')
    if (google.isGoogle) response.setHeader('metadata-flavor', 'Google')
    if (url.pathname === '/computeMetadata/v1/instance/service-accounts/default/identity') {
      if (request.headers['metadata-flavor'] !== 'Google') return void response.writeHead(403).end()
      const audience = url.searchParams.get('audience') ?? ''
      google.asked.push(`metadata ${audience}`)
      return void response.end(tokenFor(audience))
    }
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const audience = audienceOf(new URLSearchParams(body), `http://${google.host}/token`)
    if (audience === undefined) return void response.writeHead(400).end('{"error":"invalid_grant"}')
    google.asked.push(`key ${audience}`)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ id_token: tokenFor(audience) }))
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const host = `127.0.0.1:${address.port}`
  const google: PlayedGoogle = {
    host,
    keyFile: JSON.stringify({
      type: 'service_account',
      client_email: 'caller@project.iam.gserviceaccount.com',
      private_key_id: 'key-1',
      private_key: PEM,
      token_uri: `http://${host}/token`,
    }),
    asked: [],
    failure: undefined,
    gate: undefined,
    lifetimeSeconds: 3600,
    isGoogle: true,
    audience: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return google
}

/** `undefined` when the statement is not one that Google would take. */
function audienceOf(form: URLSearchParams, tokenUri: string): string | undefined {
  const [header = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.')
  const isSigned = verify(
    'sha256',
    Buffer.from(`${header}.${claims}`),
    createPublicKey(PEM),
    Buffer.from(signature, 'base64url'),
  )
  const said = decode(claims)
  const isRight =
    form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer' &&
    decode(header)['kid'] === 'key-1' &&
    said['iss'] === 'caller@project.iam.gserviceaccount.com' &&
    said['aud'] === tokenUri &&
    Number(said['exp']) - Number(said['iat']) === 3600
  return isSigned && isRight ? String(said['target_audience']) : undefined
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

function decode(part: string): Record<string, unknown> {
  const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
