/**
 * A real OpenID provider (node-oidc-provider) in the test process: accounts, lifetimes and failures as a test
 * wants. What no real provider does, `played-provider.ts` does.
 *
 * Its login page is one form with the field `login`; the name of an account is enough. Consent is taken as
 * given.
 *
 * @module
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import { type ClientMetadata, type Configuration, type JWK, Provider } from 'oidc-provider'
import { freePort } from './ports.ts'
import { UserAgent } from './user-agent.ts'

export interface Account {
  readonly email: string
  readonly name: string
  readonly groups: readonly string[] | string
  readonly claims?: Readonly<Record<string, unknown>>
}

export type Endpoint =
  | 'discovery'
  | 'auth'
  | 'token'
  | 'userinfo'
  | 'jwks'
  | 'end_session'
  | 'revocation'
  | 'interaction'

export interface RealProviderOptions {
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris?: readonly string[]
  readonly accounts?: Readonly<Record<string, Account>>
  readonly accessTokenSeconds?: number
  readonly idTokenSeconds?: number
  readonly refreshTokens?: boolean
  /** Ways of signing in (`acr`): whoever fills in the login page gets the first that was asked for. */
  readonly acrValues?: readonly string[]
  /** Ids of further clients, with the secret of the first. */
  readonly moreClients?: readonly string[]
  readonly clientSecret?: string
  readonly port?: number
  /** In its issuer; all names lead to loopback. */
  readonly host?: string
  /** PEM, for an issuer of https. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Of its client, over the usual. */
  readonly client?: Partial<ClientMetadata>
  /** Of the library, over all the rest. */
  readonly configuration?: Configuration
}

export interface RealProvider extends AsyncDisposable {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** By login name; may be changed at any time, and tells from the next token or userinfo on. */
  readonly accounts: Map<string, Account>
  /** How often each endpoint was asked. */
  readonly asked: Record<Endpoint, number>
  /** Endpoints that answer this instead, until they are taken out: a status and an OAuth error code. */
  readonly failing: Map<Endpoint, { readonly status: number; readonly error?: string }>
  /** Closes the port, as a provider that is down does; `start` opens the same one. */
  stop(): Promise<void>
  start(): Promise<void>
}

const STAFF: Account = { email: 'alice@example.com', name: 'Alice Archer', groups: ['staff', 'everyone'] }
const GUEST: Account = { email: 'bob@example.com', name: 'Bob Baker', groups: ['guests'] }

const PATHS: readonly (readonly [RegExp, Endpoint])[] = [
  [/^\/\.well-known\/openid-configuration/, 'discovery'],
  [/^\/auth/, 'auth'],
  [/^\/token\/revocation/, 'revocation'],
  [/^\/token/, 'token'],
  [/^\/me/, 'userinfo'],
  [/^\/jwks/, 'jwks'],
  [/^\/session\/end/, 'end_session'],
  [/^\/interaction/, 'interaction'],
]

/** Kept for all, since an RSA key takes long to make. */
let signingKey: JWK | undefined

function keyOfAll(): JWK {
  signingKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    format: 'jwk',
  }) as JWK
  return signingKey
}

const LOGIN_PAGE = (uid: string): string => `<!doctype html><title>Sign in</title>
<form method="post" action="/interaction/${uid}">
<label>Account <input name="login" autofocus></label><button type="submit">Sign in</button></form>`

async function readForm(incoming: IncomingMessage): Promise<URLSearchParams> {
  let body = ''
  for await (const chunk of incoming) body += String(chunk)
  return new URLSearchParams(body)
}

export async function startRealProvider(options: RealProviderOptions): Promise<RealProvider> {
  const port = options.port ?? (await freePort())
  const { host = '127.0.0.1', tls } = options
  const issuer = `${tls === undefined ? 'http' : 'https'}://${host}:${port}`
  const accounts = new Map(Object.entries(options.accounts ?? { alice: STAFF, bob: GUEST }))
  const asked = Object.fromEntries(PATHS.map(([, endpoint]) => [endpoint, 0])) as Record<Endpoint, number>
  const failing = new Map<Endpoint, { readonly status: number; readonly error?: string }>()

  const client: ClientMetadata = {
    client_id: 'sallyport',
    client_secret: options.clientSecret ?? randomUUID(),
    redirect_uris: [...options.redirectUris],
    post_logout_redirect_uris: [...(options.postLogoutRedirectUris ?? [])],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
    ...options.client,
  }

  const configuration: Configuration = {
    clients: [client, ...(options.moreClients ?? []).map((client_id) => ({ ...client, client_id }))],
    jwks: { keys: [{ ...keyOfAll(), use: 'sig', alg: 'RS256', kid: 'test-1' }] },
    cookies: { keys: [randomUUID()] },
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups', 'address'],
    // groups come with `profile`, so that the product's default scopes are enough
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'groups', 'department'],
      address: ['address'],
    },
    conformIdTokenClaims: false,
    ...(options.acrValues && { acrValues: [...options.acrValues] }),
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = `<!doctype html><title>Sign out</title>${form.replace('</form>', '<input type="hidden" name="logout" value="yes"><button type="submit">Sign out</button></form>')}`
        },
      },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    ttl: {
      AccessToken: options.accessTokenSeconds ?? 3600,
      IdToken: options.idTokenSeconds ?? 3600,
      RefreshToken: 86_400,
      Session: 86_400,
      Grant: 86_400,
      Interaction: 3600,
      AuthorizationCode: 60,
    },
    issueRefreshToken: () => options.refreshTokens ?? true,
    rotateRefreshToken: true,
    findAccount: (_ctx, login) => {
      const account = accounts.get(login)
      if (account === undefined) return undefined
      const { email, name, groups, claims } = account
      return {
        accountId: login,
        claims: () => ({ sub: login, email, email_verified: true, name, groups, ...claims }),
      }
    },
    loadExistingGrant: async (ctx) => {
      const grantId = await grantAll(ctx.oidc.session?.accountId ?? '', ctx.oidc.client?.clientId)
      return await ctx.oidc.provider.Grant.find(grantId)
    },
    ...options.configuration,
  }

  const provider = new Provider(issuer, configuration)
  const serveProvider = provider.callback()

  const grantAll = async (accountId: string, clientId = client.client_id): Promise<string> => {
    const grant = new provider.Grant({ clientId, accountId })
    grant.addOIDCScope('openid offline_access profile email groups address')
    return await grant.save()
  }

  const interact = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const details = await provider.interactionDetails(incoming, response)
    if (details.prompt.name === 'consent') {
      const accountId = details.session?.accountId ?? ''
      const result = { consent: { grantId: await grantAll(accountId, String(details.params['client_id'])) } }
      await provider.interactionFinished(incoming, response, result, { mergeWithLastSubmission: true })
      return
    }
    if (incoming.method !== 'POST') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(LOGIN_PAGE(details.uid))
      return
    }
    const login = (await readForm(incoming)).get('login') ?? ''
    const wanted = details.params['acr_values']
    const offered = options.acrValues ?? []
    const acr =
      typeof wanted === 'string' ? (wanted.split(' ').find((value) => offered.includes(value)) ?? '') : ''
    const result = accounts.has(login)
      ? { login: { accountId: login, remember: true, ...(acr !== '' && { acr }) } }
      : { error: 'access_denied', error_description: 'no such account' }
    await provider.interactionFinished(incoming, response, result, { mergeWithLastSubmission: false })
  }

  const onRequest = (incoming: IncomingMessage, response: ServerResponse): void => {
    const endpoint = PATHS.find(([path]) => path.test(incoming.url ?? ''))?.[1]
    if (endpoint !== undefined) {
      asked[endpoint] += 1
      const failure = failing.get(endpoint)
      if (failure !== undefined) {
        response
          .writeHead(failure.status, { 'content-type': 'application/json' })
          .end(JSON.stringify({ error: failure.error ?? 'server_error' }))
        return
      }
    }
    if (endpoint === 'interaction') interact(incoming, response).catch(() => response.writeHead(500).end())
    else void serveProvider(incoming, response)
  }

  let server: http.Server | undefined
  const start = async (): Promise<void> => {
    const next = tls === undefined ? http.createServer(onRequest) : https.createServer(tls, onRequest)
    await new Promise<void>((resolve, reject) => {
      next.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
    server = next
  }
  const stop = async (): Promise<void> => {
    const last = server
    server = undefined
    if (last === undefined) return
    const closed = new Promise((resolve) => last.close(resolve))
    last.closeAllConnections()
    await closed
  }
  await start()

  return {
    issuer,
    clientId: 'sallyport',
    clientSecret: client.client_secret ?? '',
    accounts,
    asked,
    failing,
    stop,
    start,
    [Symbol.asyncDispose]: stop,
  }
}

/** Somebody signs in at a real provider with a browser of their own: where they are sent back to. */
export async function signInThere(
  authorizationUrl: URL,
  login: string,
  { ca }: { readonly ca?: string } = {},
): Promise<URL> {
  const callback = authorizationUrl.searchParams.get('redirect_uri') ?? ''
  const stopAt = (next: URL): boolean => next.href.startsWith(callback)
  const agent = new UserAgent({ ...(ca !== undefined && { ca }) })
  const page = await agent.visit(authorizationUrl)
  const last = await agent.submit(page, { login }, { stopAt })
  return new URL(last.headers['location'] ?? '')
}
