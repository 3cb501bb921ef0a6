/**
 * A real OpenID provider on loopback for tests, and a user agent that plays its part by script.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type Configuration, Provider } from 'oidc-provider'
import type { HttpClient } from '../outbound/http-client.ts'

export const CLIENT_ID = 'sallyport'
export const CLIENT_SECRET = 'a secret with: odd/characters+and%20more'
export const REDIRECT_URI = 'https://auth.example.com/oauth2/callback'
export const SIGNED_OUT_URI = 'https://auth.example.com/.pomerium/signed_out'

export interface RealProvider extends AsyncDisposable {
  readonly issuer: string
  readonly port: number
  /** What userinfo and ID tokens say of everybody; tests may change it. */
  readonly person: Record<string, unknown>
  /** Paths that were asked for. */
  readonly requests: string[]
  /** Answers this status to requests whose path starts so; empty to behave again. */
  failOn(path: string, status?: number): void
}

export async function startRealProvider({
  port = 0,
  host = 'idp.localhost',
  tls,
  configuration = {},
}: {
  port?: number
  /** In its issuer. `0.0.0.0` reaches it as well, by a name that is not one of this machine. */
  host?: string
  tls?: { cert: string; key: string }
  configuration?: Configuration
} = {}): Promise<RealProvider> {
  let answer: RequestListener | undefined
  let failing: { path: string; status: number } | undefined
  const requests: string[] = []
  const listener: RequestListener = (request, response) => {
    const path = request.url ?? '/'
    requests.push(path.split('?')[0] ?? path)
    if (failing !== undefined && path.startsWith(failing.path))
      response.writeHead(failing.status).end('out of order')
    else answer?.(request, response)
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  const listening = address.port
  const issuer = `${tls === undefined ? 'http' : 'https'}://${host}:${listening}`
  const person: Record<string, unknown> = {
    name: 'Alice',
    email: 'alice@example.com',
    email_verified: true,
    groups: ['staff', 'admins'],
    address: { locality: 'Ulm' },
  }
  answer = createAnswer(issuer, person, configuration)
  return {
    issuer,
    port: listening,
    person,
    requests,
    failOn(path, status = 503) {
      failing = path === '' ? undefined : { path, status }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function createAnswer(issuer: string, person: Record<string, unknown>, configuration: Configuration) {
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [REDIRECT_URI],
        post_logout_redirect_uris: [SIGNED_OUT_URI],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    cookies: { keys: ['a cookie key of this test'] },
    claims: {
      openid: ['sub'],
      profile: ['name'],
      email: ['email', 'email_verified'],
      address: ['address'],
      groups: ['groups'],
    },
    scopes: ['openid', 'profile', 'email', 'groups', 'address', 'offline_access'],
    pkce: { required: () => true },
    issueRefreshToken: () => Promise.resolve(true),
    rotateRefreshToken: true,
    features: { revocation: { enabled: true }, devInteractions: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ ...person, sub: id }) }),
    ...configuration,
  })
  const handle = provider.callback()
  return (...exchange: Parameters<RequestListener>) => void handle(...exchange)
}

/** Follows redirects, keeps cookies, and fills in the forms of the provider, until it is sent to `until`. */
export async function playUserAgent(
  http: HttpClient,
  start: URL,
  login: string,
  until = REDIRECT_URI,
): Promise<URL> {
  const cookies = new Map<string, string>()
  let [url, form] = [start, undefined as URLSearchParams | undefined]
  for (let hop = 0; hop < 20; hop += 1) {
    if (url.href.startsWith(until)) return url
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
    const answer = await http.fetch(
      url,
      form === undefined ? { headers } : { method: 'POST', body: form, headers },
    )
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    const location = answer.headers.get('location')
    if (location === null) ({ url, form } = fillIn(await answer.text(), url, login))
    else [url, form] = [new URL(location, url), undefined]
  }
  throw new Error(`the user agent was not sent to ${until}`)
}

function fillIn(page: string, url: URL, login: string): { url: URL; form: URLSearchParams } {
  const [, action] = /<form[^>]* action="([^"]+)"/.exec(page) ?? []
  const [, prompt] = /name="prompt" value="(\w+)"/.exec(page) ?? []
  if (action === undefined || prompt === undefined)
    throw new Error(`no form at ${url.href}: ${page.slice(0, 300)}`)
  const form = new URLSearchParams(prompt === 'login' ? { prompt, login, password: 'x' } : { prompt })
  return { url: new URL(action, url), form }
}
