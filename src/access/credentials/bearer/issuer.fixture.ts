/**
 * A token issuer on loopback, as CI platforms are: a discovery document, keys, and tokens as a test wants
 * them.
 *
 * It is no OpenID provider: nobody signs in there, and it has no token endpoint. The test itself makes each
 * token, with a clock and a key of its own, and shows it as a client would.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>

export interface TestIssuer extends AsyncDisposable {
  readonly url: string
  /** Paths that were asked for, oldest first. */
  readonly asked: string[]
  /** What it serves at `/keys`. */
  keys: unknown
  /** Over its metadata. */
  metadata: Record<string, unknown>
  /** Whose access token it is: claims, or `undefined` for 401. */
  userInfo: (accessToken: string) => object | undefined
  /** Answers this to everything; 0 to behave again. */
  failWith: number
  readonly pair: KeyPair
  readonly jwk: JWK
  /** The public key as PEM: what an attacker would take for a shared secret. */
  readonly publicPem: string
  /** A token of correct claims, with these over them; `undefined` leaves one out. */
  token(
    claims?: Record<string, unknown>,
    header?: Partial<JWTHeaderParameters>,
    key?: KeyPair,
  ): Promise<string>
}

export const AUDIENCE = 'https://app.example.com'

export async function startIssuer(now: () => number = Date.now, alg = 'RS256'): Promise<TestIssuer> {
  const pair = await generateKeyPair(alg, { extractable: true })
  const jwk: JWK = { ...(await exportJWK(pair.publicKey)), kid: 'key-1', alg, use: 'sig' }
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const body =
      request.url === '/.well-known/openid-configuration'
        ? {
            issuer: issuer.url,
            jwks_uri: `${issuer.url}/keys`,
            userinfo_endpoint: `${issuer.url}/userinfo`,
            ...issuer.metadata,
          }
        : request.url === '/keys'
          ? issuer.keys
          : request.url === '/userinfo'
            ? issuer.userInfo(request.headers.authorization?.replace('Bearer ', '') ?? '')
            : undefined
    const missing = request.url === '/userinfo' ? 401 : 404
    const status = issuer.failWith > 0 ? issuer.failWith : body === undefined ? missing : 200
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  const issuer: TestIssuer = {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    keys: { keys: [jwk] },
    metadata: {},
    userInfo: () => undefined,
    failWith: 0,
    pair,
    jwk,
    publicPem: await exportSPKI(pair.publicKey),
    token(claims = {}, header = {}, key = pair) {
      const seconds = Math.floor(now() / 1000)
      const all: Record<string, unknown> = {
        iss: issuer.url,
        aud: AUDIENCE,
        sub: 'repo:acme/shop:ref:refs/heads/main',
        iat: seconds,
        nbf: seconds,
        exp: seconds + 300,
        repository: 'acme/shop',
        repository_id: 4711,
        ref: 'refs/heads/main',
        ...claims,
      }
      const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
      return new SignJWT(given).setProtectedHeader({ alg, kid: 'key-1', ...header }).sign(key.privateKey)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return issuer
}
