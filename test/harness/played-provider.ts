/**
 * A local server that plays an OpenID provider by a script: one that can't be had here, by its documentation, or
 * one that forges, lies, or breaks down.
 *
 * It does what every OpenID provider does: discovery, a code for a challenge, signed tokens, userinfo. Its
 * authorization endpoint asks nobody. The script says in what it is particular, and may change at any time.
 *
 * @module
 */
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'

export interface PlayedRequest {
  readonly method: string
  /** With its query. */
  readonly url: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly form: URLSearchParams
}

export interface PlayedAnswer {
  readonly status?: number
  /** Text is sent as it is, and of no type, all else as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** The connection ends instead. */
  readonly isCutOff?: boolean
}

/** In each record `undefined` leaves out what there would be. */
export interface Script {
  /** Behind the origin; the address in our configuration. */
  readonly path?: string
  readonly alg?: 'RS256' | 'ES256'
  /** What discovery says over the usual. */
  metadata?: (origin: string) => Record<string, unknown>
  /** Of ID tokens, over the usual. */
  claims?: Record<string, unknown>
  /** Of ID tokens, over the usual. */
  header?: Partial<JWTHeaderParameters>
  /** Makes the ID token, given a good one. */
  idToken?: (good: string) => string
  /** Seconds by which its clock is ahead. */
  clockAheadSeconds?: number
  /** `undefined`: there is no userinfo endpoint. */
  userInfo?: Record<string, unknown> | undefined
  /** Over the usual answer of the token endpoint. */
  tokens?: Record<string, unknown>
  /** Over `code` and `state` where it sends the user agent back. */
  callback?: Readonly<Record<string, string | undefined>>
  /** What else it answers, or answers otherwise. */
  answer?: ((request: PlayedRequest) => PlayedAnswer | undefined) | undefined
}

export const JSON_TYPE = { 'content-type': 'application/json' }

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>

/** Kept for all, since an RSA key takes long to make. */
const firstKeys = new Map<string, Promise<KeyPair>>()

const keyFor = (alg: string): Promise<KeyPair> => generateKeyPair(alg, { extractable: true })

function firstKeyFor(alg: string): Promise<KeyPair> {
  const key = firstKeys.get(alg) ?? keyFor(alg)
  firstKeys.set(alg, key)
  return key
}

export class PlayedProvider implements AsyncDisposable {
  readonly origin: string
  readonly clientId = 'sallyport'
  readonly clientSecret = 'secret'
  readonly requests: PlayedRequest[] = []
  script: Script
  readonly #codes = new Map<string, { readonly challenge: string | null; readonly nonce: string | null }>()
  readonly #server: ReturnType<typeof createServer>
  #key: KeyPair
  #keyNumber = 1

  private constructor(script: Script, server: ReturnType<typeof createServer>, origin: string, key: KeyPair) {
    this.script = script
    this.origin = origin
    this.#server = server
    this.#key = key
  }

  static async start(script: Script = {}): Promise<PlayedProvider> {
    const key = await firstKeyFor(script.alg ?? 'RS256')
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new Error('not listening')
    const played = new PlayedProvider(script, server, `http://127.0.0.1:${address.port}`, key)
    server.on('request', (request, response) => {
      played.#receive(request).then(
        (answer) => send(response, answer),
        (error: unknown) => response.writeHead(500).end(String(error)),
      )
    })
    return played
  }

  get issuer(): string {
    return this.origin + (this.script.path ?? '')
  }

  /** The id of the key that it signs with; `k1` is the first. */
  get kid(): string {
    return `k${this.#keyNumber}`
  }

  async publicJwk(): Promise<JWK> {
    return { ...(await exportJWK(this.#key.publicKey)), kid: this.kid, use: 'sig' }
  }

  /** Takes another signing key; its key set holds that one alone from then on. */
  async rotateKey(): Promise<void> {
    this.#key = await keyFor(this.script.alg ?? 'RS256')
    this.#keyNumber += 1
  }

  /** Somebody signs in there: the address that the user agent is sent back to. */
  approve(authorizationUrl: URL, more: Readonly<Record<string, string>> = {}): URL {
    const asked = authorizationUrl.searchParams
    const code = randomUUID()
    this.#codes.set(code, { challenge: asked.get('code_challenge'), nonce: asked.get('nonce') })
    const callback = new URL(asked.get('redirect_uri') ?? '')
    const parameters = { code, state: asked.get('state') ?? '', ...this.script.callback, ...more }
    for (const [name, value] of Object.entries(parameters))
      if (value !== undefined) callback.searchParams.set(name, value)
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

  async #answer({ path, url, form }: PlayedRequest): Promise<PlayedAnswer> {
    const { origin, script } = this
    switch (path) {
      case `${script.path?.replace(/\/$/, '') ?? ''}/.well-known/openid-configuration`:
        return { body: this.#metadata() }
      case '/authorize':
        return { status: 302, headers: { location: this.approve(new URL(url, origin)).href } }
      case '/keys':
        return { body: { keys: [await this.publicJwk()] } }
      case '/token':
        return await this.#tokens(form)
      case '/userinfo':
        return { body: { sub: this.#claims()['sub'], ...script.userInfo } }
      default:
        return { status: 404, body: { message: `no ${path} here` } }
    }
  }

  #metadata(): Record<string, unknown> {
    const { origin, script } = this
    return {
      issuer: this.issuer,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      jwks_uri: `${origin}/keys`,
      ...(script.userInfo && { userinfo_endpoint: `${origin}/userinfo` }),
      response_types_supported: ['code'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: [script.alg ?? 'RS256'],
      code_challenge_methods_supported: ['S256'],
      ...script.metadata?.(origin),
    }
  }

  async #tokens(form: URLSearchParams): Promise<PlayedAnswer> {
    const { script } = this
    const code = form.get('code') ?? ''
    const known = this.#codes.get(code)
    this.#codes.delete(code)
    const isRefresh = form.get('grant_type') === 'refresh_token'
    const verifier = form.get('code_verifier')
    const challenge = verifier === null ? null : createHash('sha256').update(verifier).digest('base64url')
    if (!isRefresh && (known === undefined || known.challenge !== challenge))
      return { status: 400, body: { error: 'invalid_grant' } }
    return {
      body: {
        access_token: `access-${randomUUID()}`,
        token_type: 'Bearer',
        expires_in: 3600,
        refresh_token: `refresh-${randomUUID()}`,
        id_token: await this.#idToken(isRefresh ? undefined : (known?.nonce ?? undefined)),
        ...script.tokens,
      },
    }
  }

  async #idToken(nonce: string | undefined): Promise<string> {
    const { script } = this
    const good = await new SignJWT({ nonce, ...this.#claims() })
      .setProtectedHeader({ alg: script.alg ?? 'RS256', kid: this.kid, ...script.header })
      .sign(this.#key.privateKey)
    return script.idToken?.(good) ?? good
  }

  #claims(): Record<string, unknown> {
    const { claims, clockAheadSeconds = 0 } = this.script
    const now = Math.floor(Date.now() / 1000) + clockAheadSeconds
    return { iss: this.issuer, aud: this.clientId, sub: 'alice', iat: now, exp: now + 3600, ...claims }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function send(response: ServerResponse, { status = 200, body, headers, isCutOff }: PlayedAnswer): void {
  if (isCutOff === true) {
    response.destroy()
    return
  }
  const isText = typeof body === 'string' || body === undefined
  response.writeHead(status, { ...(!isText && JSON_TYPE), ...headers })
  response.end(isText ? body : JSON.stringify(body))
}
