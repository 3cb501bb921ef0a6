/**
 * An OpenID provider that does what a test tells it, right or wrong: forged, late, foreign or missing claims.
 *
 * Its authorization endpoint asks nobody and answers at once. For well-behaved logins take
 * `oidc-provider.ts`.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import {
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose'
import { freePort } from './ports.ts'

export interface TokenRequest {
  readonly form: URLSearchParams
  readonly authorization: string | undefined
}

export interface ScriptedProvider extends AsyncDisposable {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly keys: GenerateKeyPairResult
  readonly kid: string
  readonly jwk: JWK
  /** Paths that were asked, oldest first, with their query. */
  readonly asked: string[]
  readonly tokenRequests: TokenRequest[]
  /** Claims of the next ID tokens, over the correct ones; `undefined` leaves one out. */
  claims: Readonly<Record<string, unknown>>
  /** Makes the ID token from its correct claims; by default signed as announced. */
  sign: (claims: JWTPayload) => string | Promise<string>
  /** Over the correct body of the token endpoint. */
  tokenAnswer: Readonly<Record<string, unknown>>
  /** Status and body instead of tokens. */
  tokenFailure: { readonly status: number; readonly body: object } | undefined
  userinfo: Readonly<Record<string, unknown>> | undefined
  /** Parameters of the redirect back, over `code` and `state`; `undefined` leaves one out. */
  callback: Readonly<Record<string, string | undefined>>
  /** Over the discovery document. */
  metadata: Readonly<Record<string, unknown>>
  /** Seconds by which this provider's clock is ahead. */
  clockAheadSeconds: number
}

const CLIENT = { clientId: 'sallyport', clientSecret: 'a secret of the tests' }

const defined = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

export async function startScriptedProvider(): Promise<ScriptedProvider> {
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  const keys = await generateKeyPair('RS256', { extractable: true })
  const kid = 'scripted-1'
  const jwk = { ...(await exportJWK(keys.publicKey)), kid, use: 'sig', alg: 'RS256' }
  const codes = new Map<string, { nonce: string | undefined; challenge: string | undefined }>()

  const provider: ScriptedProvider = {
    issuer,
    ...CLIENT,
    keys,
    kid,
    jwk,
    asked: [],
    tokenRequests: [],
    claims: {},
    sign: (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(keys.privateKey),
    tokenAnswer: {},
    tokenFailure: undefined,
    userinfo: {},
    callback: {},
    metadata: {},
    clockAheadSeconds: 0,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }

  const authorize = (url: URL, response: ServerResponse): void => {
    const code = randomUUID()
    codes.set(code, {
      nonce: url.searchParams.get('nonce') ?? undefined,
      challenge: url.searchParams.get('code_challenge') ?? undefined,
    })
    const back = new URL(url.searchParams.get('redirect_uri') ?? issuer)
    const parameters = { code, state: url.searchParams.get('state') ?? '', ...provider.callback }
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) back.searchParams.set(name, value)
    }
    response.writeHead(302, { location: back.href }).end()
  }

  const giveTokens = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of incoming) body += String(chunk)
    const form = new URLSearchParams(body)
    provider.tokenRequests.push({ form, authorization: incoming.headers.authorization })
    if (provider.tokenFailure !== undefined) {
      send(response, provider.tokenFailure.status, provider.tokenFailure.body)
      return
    }
    const login = codes.get(form.get('code') ?? '')
    const now = Math.floor(Date.now() / 1000) + provider.clockAheadSeconds
    const claims = defined({
      iss: issuer,
      aud: CLIENT.clientId,
      sub: 'alice',
      email: 'alice@example.com',
      name: 'Alice Archer',
      groups: ['staff'],
      iat: now,
      exp: now + 3600,
      nonce: login?.nonce,
      ...provider.claims,
    })
    send(
      response,
      200,
      defined({
        access_token: randomUUID(),
        token_type: 'Bearer',
        expires_in: 3600,
        refresh_token: randomUUID(),
        id_token: await provider.sign(claims),
        ...provider.tokenAnswer,
      }),
    )
  }

  const server = http.createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', issuer)
    provider.asked.push(url.pathname + url.search)
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        send(response, 200, {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`,
          userinfo_endpoint: `${issuer}/userinfo`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
          code_challenge_methods_supported: ['S256'],
          ...provider.metadata,
        })
        break
      case '/authorize':
        authorize(url, response)
        break
      case '/token':
        giveTokens(incoming, response).catch(() => response.destroy())
        break
      case '/jwks':
        send(response, 200, { keys: [jwk] })
        break
      case '/userinfo':
        if (provider.userinfo === undefined) send(response, 500, {})
        else send(response, 200, defined({ sub: provider.claims['sub'] ?? 'alice', ...provider.userinfo }))
        break
      default:
        send(response, 404, {})
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
  return provider
}
