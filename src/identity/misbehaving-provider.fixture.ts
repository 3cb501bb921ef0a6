/**
 * A hand-written OpenID provider that answers what no real one does: each test tells it how to misbehave.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export const CLIENT_ID = 'sallyport'

export interface Misbehaviour {
  /** Over the claims of a good ID token; `undefined` leaves one out. */
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  /** Makes the whole ID token, given a good one. */
  idToken?: (good: string) => string | Promise<string>
  metadata?: Record<string, unknown>
  userInfo?: Record<string, unknown>
  /** Over the answer of the token endpoint. */
  tokens?: Record<string, unknown>
  /** Answers a path in a way of its own. */
  answer?: (path: string, response: ServerResponse) => boolean
}

export interface MisbehavingProvider extends AsyncDisposable {
  readonly issuer: string
  readonly publicJwk: JWK
  misbehave(how: Misbehaviour): void
  /** Takes a new signing key; the JWKS holds it from then on. */
  rotateKey(): Promise<void>
  /** How often a path was asked for. */
  asked(path: string): number
}

interface SigningKey {
  readonly privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey']
  readonly publicJwk: JWK
}

async function newKey(kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } }
}

export async function startMisbehavingProvider(): Promise<MisbehavingProvider> {
  let key = await newKey('key-0')
  const firstJwk = key.publicJwk
  let generation = 0
  let how: Misbehaviour = {}
  const counts = new Map<string, number>()
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    counts.set(path, (counts.get(path) ?? 0) + 1)
    if (how.answer?.(path, response) === true) return
    answer(path).then(
      (body) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  const issuer = `http://127.0.0.1:${address.port}`

  async function answer(path: string): Promise<unknown> {
    switch (path) {
      case '/.well-known/openid-configuration':
        return {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          userinfo_endpoint: `${issuer}/userinfo`,
          jwks_uri: `${issuer}/jwks`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          // A careless provider: it offers what must never be accepted.
          id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
          ...how.metadata,
        }
      case '/jwks':
        return { keys: [key.publicJwk] }
      case '/token':
        return {
          access_token: 'at',
          token_type: 'Bearer',
          expires_in: 3600,
          refresh_token: 'rt',
          id_token: await idToken(),
          ...how.tokens,
        }
      case '/userinfo':
        return { sub: 'alice', ...how.userInfo }
      default:
        throw new Error(`no ${path} here`)
    }
  }

  async function idToken(): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: issuer,
      aud: CLIENT_ID,
      sub: 'alice',
      nonce: 'nonce-1',
      iat: now,
      exp: now + 300,
      ...how.claims,
    }
    const good = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: `key-${generation}`, ...how.header })
      .sign(key.privateKey)
    return how.idToken === undefined ? good : how.idToken(good)
  }

  return {
    issuer,
    publicJwk: firstJwk,
    misbehave(next) {
      how = next
    },
    async rotateKey() {
      generation += 1
      key = await newKey(`key-${generation}`)
    },
    asked: (path) => counts.get(path) ?? 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
