/**
 * A local server that plays a provider which can't be had here, by a script that follows its documentation.
 *
 * It does what every OpenID provider does (discovery, a code for a challenge, signed tokens, userinfo); the
 * script says in what the played one is particular.
 *
 * @module
 */
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { TestContext } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { SignInProvider } from '../config/config.ts'
import { testClient } from './client.fixture.ts'
import { openProvider } from './open-provider.ts'
import type { Identity, OpenProvider } from './provider.ts'

export const REDIRECT_URI = 'https://auth.example.com/oauth2/callback'
export const SECRETS = { oauthState: 'state-1', idTokenNonce: 'nonce-1', codeVerifier: 'v'.repeat(43) }

export interface PlayedRequest {
  readonly method: string
  /** With its query. */
  readonly url: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly form: URLSearchParams
}

interface PlayedAnswer {
  readonly status?: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Script {
  /** Behind the origin; the address in our configuration. */
  readonly path?: string
  /** What discovery says over the usual. */
  readonly metadata?: (origin: string) => Record<string, unknown>
  readonly alg?: 'RS256' | 'ES256'
  /** Of ID tokens, over the usual; tests may change it. */
  claims?: Record<string, unknown>
  /** `undefined`: there is no userinfo endpoint. */
  userInfo?: Record<string, unknown> | undefined
  /** Over the usual answer of the token endpoint. */
  tokens?: Record<string, unknown>
  /** What else it answers, or answers otherwise. */
  answer?: (request: PlayedRequest) => PlayedAnswer | undefined
}

export class PlayedProvider implements AsyncDisposable {
  readonly origin: string
  readonly requests: PlayedRequest[] = []
  readonly script: Script
  readonly #codes = new Map<string, { readonly challenge: string | null; readonly nonce: string | null }>()
  readonly #server: ReturnType<typeof createServer>
  readonly #key: Awaited<ReturnType<typeof generateKeyPair>>

  private constructor(
    script: Script,
    server: ReturnType<typeof createServer>,
    origin: string,
    key: Awaited<ReturnType<typeof generateKeyPair>>,
  ) {
    this.script = script
    this.origin = origin
    this.#server = server
    this.#key = key
  }

  static async start(script: Script): Promise<PlayedProvider> {
    const key = await generateKeyPair(script.alg ?? 'RS256', { extractable: true })
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new Error('not listening')
    const played = new PlayedProvider(script, server, `http://127.0.0.1:${address.port}`, key)
    server.on('request', (request, response) => {
      played.#receive(request).then(
        ({ status = 200, body, headers }) =>
          response
            .writeHead(status, { 'content-type': 'application/json', ...headers })
            .end(body === undefined ? '' : JSON.stringify(body)),
        (error: unknown) => response.writeHead(500).end(String(error)),
      )
    })
    return played
  }

  get url(): string {
    return this.origin + (this.script.path ?? '')
  }

  /** Somebody signs in there: the address that the user agent is sent back to. */
  approve(authorizationUrl: URL, more: Readonly<Record<string, string>> = {}): URL {
    const asked = authorizationUrl.searchParams
    const code = randomUUID()
    this.#codes.set(code, { challenge: asked.get('code_challenge'), nonce: asked.get('nonce') })
    const callback = new URL(asked.get('redirect_uri') ?? '')
    for (const [name, value] of Object.entries({ code, state: asked.get('state') ?? '', ...more }))
      callback.searchParams.set(name, value)
    return callback
  }

  asked(path: string): readonly PlayedRequest[] {
    return this.requests.filter((request) => request.path === path)
  }

  async #receive(incoming: IncomingMessage): Promise<PlayedAnswer> {
    let body = ''
    for await (const chunk of incoming) body += String(chunk)
    const { method = '', url = '/', headers } = incoming
    const path = url.split('?')[0] ?? url
    const request: PlayedRequest = { method, url, path, headers, body, form: new URLSearchParams(body) }
    this.requests.push(request)
    return this.script.answer?.(request) ?? (await this.#answer(request))
  }

  async #answer({ path, form }: PlayedRequest): Promise<PlayedAnswer> {
    const { origin, url, script } = this
    switch (path) {
      case `${script.path?.replace(/\/$/, '') ?? ''}/.well-known/openid-configuration`:
        return {
          body: {
            issuer: url,
            authorization_endpoint: `${origin}/authorize`,
            token_endpoint: `${origin}/token`,
            jwks_uri: `${origin}/keys`,
            ...(script.userInfo && { userinfo_endpoint: `${origin}/userinfo` }),
            response_types_supported: ['code'],
            subject_types_supported: ['pairwise'],
            id_token_signing_alg_values_supported: [script.alg ?? 'RS256'],
            code_challenge_methods_supported: ['S256'],
            ...script.metadata?.(origin),
          },
        }
      case '/keys':
        return { body: { keys: [{ ...(await exportJWK(this.#key.publicKey)), kid: 'k1', use: 'sig' }] } }
      case '/token':
        return this.#tokens(form)
      case '/userinfo':
        return { body: { sub: this.#claims()['sub'], ...script.userInfo } }
      default:
        return { status: 404, body: { message: `no ${path} here` } }
    }
  }

  async #tokens(form: URLSearchParams): Promise<PlayedAnswer> {
    const code = form.get('code') ?? ''
    const known = this.#codes.get(code)
    this.#codes.delete(code)
    const isRefresh = form.get('grant_type') === 'refresh_token'
    const verifier = form.get('code_verifier')
    const challenge = verifier === null ? null : createHash('sha256').update(verifier).digest('base64url')
    if (!isRefresh && (known === undefined || known.challenge !== challenge))
      return { status: 400, body: { error: 'invalid_grant' } }
    const { script } = this
    const nonce = isRefresh ? undefined : (known?.nonce ?? undefined)
    const idToken = await new SignJWT({ ...this.#claims(), ...(nonce && { nonce }) })
      .setProtectedHeader({ alg: script.alg ?? 'RS256', kid: 'k1' })
      .sign(this.#key.privateKey)
    return {
      body: {
        access_token: `access-${randomUUID()}`,
        token_type: 'Bearer',
        expires_in: 3600,
        refresh_token: `refresh-${randomUUID()}`,
        id_token: idToken,
        ...script.tokens,
      },
    }
  }

  #claims(): Record<string, unknown> {
    const now = Math.floor(Date.now() / 1000)
    return { iss: this.url, aud: 'sallyport', sub: 'alice', iat: now, exp: now + 3600, ...this.script.claims }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

export interface Stage {
  readonly played: PlayedProvider
  readonly provider: OpenProvider
  /** All the way: to the provider, and back with a code. */
  readonly signIn: (more?: Readonly<Record<string, string>>) => Promise<Identity>
}

/** The played provider, and ours that speaks to it. */
export async function stage(
  t: TestContext,
  script: Script,
  client: Partial<SignInProvider> & Pick<SignInProvider, 'provider'>,
  now: () => number = Date.now,
): Promise<Stage> {
  const played = await PlayedProvider.start(script)
  const provider = openProvider({
    client: testClient({ provider_url: played.url, ...client }),
    redirectUri: REDIRECT_URI,
    now,
  })
  t.after(async () => {
    await provider[Symbol.asyncDispose]()
    await played[Symbol.asyncDispose]()
  })
  return {
    played,
    provider,
    async signIn(more) {
      const callbackUrl = played.approve(await provider.authorizationUrl(SECRETS), more)
      return provider.exchange({ ...SECRETS, callbackUrl })
    },
  }
}
