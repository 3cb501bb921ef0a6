/**
 * ID tokens of Google's, by which apps on its serverless platforms know who calls them.
 *
 * With a key file the account signs a statement that Google's token endpoint turns into a token; without one
 * the metadata server of the machine is asked. A token is kept until shortly before it ends and renewed
 * behind the scenes; all who wait for one wait for the same answer.
 *
 * @see https://cloud.google.com/run/docs/authenticating/service-to-service
 * @see RFC 7523 section 2.1
 * @module
 */
import { createPrivateKey, sign } from 'node:crypto'
import { decodeJwt } from 'jose'
import type { ConfigSource } from '../config/file/watch.ts'
import type { GoogleServiceAccount } from '../config/keys/upstream/google-serverless.ts'
import { Fault, reasonOf } from '../errors.ts'
import { createHttpClient, type HttpClient } from '../outbound/http-client.ts'
import { growingPause, KeptTokens, type TokenTimes } from './kept-tokens.ts'

export interface ServerlessToken {
  readonly value: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

export interface ServerlessTokens extends AsyncDisposable {
  /** At once while one is at hand. @throws {Fault} SERVERLESS_TOKEN_UNAVAILABLE, at once or as a rejection */
  tokenFor(audience: string): ServerlessToken | Promise<ServerlessToken>
}

export interface ServerlessTokensOptions {
  readonly config: Pick<ConfigSource, 'current' | 'onGeneration'>
  readonly http: HttpClient
  readonly now: () => number
  readonly env: Readonly<Record<string, string | undefined>>
}

/** They live for an hour. */
const RENEW_BEFORE_MS = 300_000
/** With less left nobody should begin a request with it. */
const LEAST_LEFT_MS = 10_000
/** Less than Envoy waits for a check. */
const ANSWER_WITHIN_MS = 4000

const METADATA_HOST = 'metadata.google.internal'

interface KeptToken extends ServerlessToken, TokenTimes {}

export function openServerlessTokens({ config, http, now, env }: ServerlessTokensOptions): ServerlessTokens {
  const metadataHost = env['GCE_METADATA_HOST'] ?? METADATA_HOST
  let metadata: HttpClient | undefined
  let account = config.current.settings.google_cloud_serverless_authentication_service_account
  const kept = new KeptTokens<KeptToken, Fault>({
    now,
    isToken: (found): found is KeptToken => !(found instanceof Fault),
    bytesOf: ({ value }) => value.length,
    pauseAfter: (_, times) => growingPause(times),
    tooManyAtOnce: new Fault('SERVERLESS_TOKEN_UNAVAILABLE', 'too many are asked for at once'),
  })
  const following = config.onGeneration(({ settings }) => {
    const next = settings.google_cloud_serverless_authentication_service_account
    if (isSameAccount(account, next)) return
    account = next
    kept.clear()
  })

  /** Made when it is needed: most machines have no such server. */
  const metadataClient = (): HttpClient => {
    const hostname = URL.parse(`http://${metadataHost}`)?.hostname
    if (hostname === undefined) throw new Error('GCE_METADATA_HOST is not a host with an optional port')
    // Google serves it in plain HTTP, on a link of the machine alone.
    return (metadata ??= createHttpClient({ timeoutMs: ANSWER_WITHIN_MS, plainHttpTo: hostname }))
  }

  const fetchToken = async (audience: string): Promise<KeptToken | Fault> => {
    const begunAt = now()
    try {
      const value =
        account === undefined
          ? await fromMetadata(metadataClient(), metadataHost, audience)
          : await fromKey(http, account, audience, now())
      const expiresAt = endOf(value, audience, now())
      return {
        value,
        expiresAt,
        begunAt,
        renewAt: expiresAt - RENEW_BEFORE_MS,
        goodUntil: expiresAt - LEAST_LEFT_MS,
      }
    } catch (cause) {
      const message = `no ID token of Google’s for ${audience}: ${reasonOf(cause)}`
      return new Fault('SERVERLESS_TOKEN_UNAVAILABLE', message, { cause })
    }
  }

  return {
    tokenFor(audience) {
      const found = kept.obtain({ holder: '', key: audience, proof: '' }, () => fetchToken(audience))
      return found instanceof Promise ? found.then(orThrow) : orThrow(found)
    },
    async [Symbol.asyncDispose]() {
      following[Symbol.dispose]()
      await metadata?.[Symbol.asyncDispose]()
    },
  }
}

/** @throws {Fault} SERVERLESS_TOKEN_UNAVAILABLE */
function orThrow(found: KeptToken | Fault): ServerlessToken {
  if (found instanceof Fault) throw found
  return found
}

function isSameAccount(
  one: GoogleServiceAccount | undefined,
  other: GoogleServiceAccount | undefined,
): boolean {
  if (one === undefined || other === undefined) return one === other
  return (
    one.clientEmail === other.clientEmail &&
    one.keyId === other.keyId &&
    one.tokenUri === other.tokenUri &&
    one.privateKey.equals(other.privateKey)
  )
}

async function fromMetadata(http: HttpClient, host: string, audience: string): Promise<string> {
  const url = new URL(`http://${host}/computeMetadata/v1/instance/service-accounts/default/identity`)
  url.searchParams.set('audience', audience)
  url.searchParams.set('format', 'full')
  const answer = await http.fetch(url, { headers: { 'metadata-flavor': 'Google' } })
  if (answer.status !== 200) throw new Error(`the metadata server answered ${answer.status}`)
  // Something else may listen at that address.
  if (answer.headers.get('metadata-flavor') !== 'Google')
    throw new Error(`${host} is not Google’s metadata server`)
  return (await answer.text()).trim()
}

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

async function fromKey(
  http: HttpClient,
  account: GoogleServiceAccount,
  audience: string,
  now: number,
): Promise<string> {
  const answer = await http.fetch(account.tokenUri, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: GRANT, assertion: statementOf(account, audience, now) }),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  })
  if (answer.status !== 200) throw new Error(`${new URL(account.tokenUri).host} answered ${answer.status}`)
  const body: unknown = await answer.json()
  if (typeof body === 'object' && body !== null && 'id_token' in body && typeof body.id_token === 'string')
    return body.id_token
  throw new Error(`${new URL(account.tokenUri).host} answered without an id_token`)
}

function statementOf(
  { clientEmail, keyId, privateKey, tokenUri }: GoogleServiceAccount,
  audience: string,
  now: number,
): string {
  const issuedAt = Math.floor(now / 1000)
  const claims = {
    iss: clientEmail,
    sub: clientEmail,
    aud: tokenUri,
    target_audience: audience,
    iat: issuedAt,
    exp: issuedAt + 3600,
  }
  const content = `${encode({ alg: 'RS256', typ: 'JWT', kid: keyId })}.${encode(claims)}`
  const signature = sign('sha256', Buffer.from(content), createPrivateKey(privateKey.reveal()))
  return `${content}.${signature.toString('base64url')}`
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

/** Read, not verified: it came from Google over a channel that is trusted, and Google judges it. */
function endOf(token: string, audience: string, now: number): number {
  const { exp = 0, aud } = decodeJwt(token)
  if (aud !== audience) throw new Error('the token is for somebody else')
  if (exp * 1000 - now < LEAST_LEFT_MS) throw new Error('the token has expired; are the clocks right?')
  return exp * 1000
}
