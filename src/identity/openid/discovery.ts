/**
 * The provider's metadata: fetched when first needed, kept, renewed, and asked for again after a failure, but
 * not by every visitor.
 *
 * @module
 */
import type { JWTVerifyGetKey } from 'jose'
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  clockSkew,
  clockTolerance,
  customFetch,
  discovery,
  None,
} from 'openid-client'
import { Fault } from '../../errors.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import { openJwks } from './id-token.ts'
import { toProviderFault } from './provider-faults.ts'

export interface DiscoveredProvider {
  readonly configuration: Configuration
  readonly jwks: JWTVerifyGetKey
  readonly jwksUri: string
  /** Shows whose client a request to the token endpoint is of. */
  readonly authenticate: ClientAuth
}

export interface DiscoveryOptions {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string | undefined
  /** Instead of the secret. */
  readonly clientAuth?: ClientAuth | undefined
  /** Whether the issuer's address stands for many tenants of Entra ID, whose issuers differ from it. */
  readonly hasTenants?: boolean | undefined
  readonly http: HttpClient
  readonly now: () => number
}

const RENEW_AFTER_MS = 3_600_000
const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 30_000
const TOLERANCE_SECONDS = 60

export interface Discovery {
  /**
   * Answers from memory while it can. @throws {Fault} IDP_UNREACHABLE, IDP_ANSWER_INVALID, IDP_ISSUER_DIFFERS
   */
  (): Promise<DiscoveredProvider>
  /** Asks, whatever is known. @throws as above */
  readonly anew: () => Promise<DiscoveredProvider>
}

export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { now } = options
  let known: { readonly provider: DiscoveredProvider; readonly at: number } | undefined
  let failed: { readonly fault: unknown; readonly times: number; readonly retryAt: number } | undefined
  let pending: Promise<DiscoveredProvider> | undefined

  /** @param forVisitor others then wait a while before they ask: not each of them has to find out */
  async function attempt(forVisitor: boolean): Promise<DiscoveredProvider> {
    try {
      const provider = await discover(options, known?.provider)
      known = { provider, at: now() }
      failed = undefined
      return provider
    } catch (error) {
      const fault = toProviderFault(error, 'discovery', options.issuer, now())
      const times = (failed?.times ?? 0) + 1
      // Who looks in the background, perhaps before our own Envoy is there, must not keep anybody from
      // asking.
      if (forVisitor)
        failed = { fault, times, retryAt: now() + Math.min(FIRST_RETRY_MS * 2 ** (times - 1), LAST_RETRY_MS) }
      throw fault
    } finally {
      pending = undefined
    }
  }

  const fromMemory = async () => {
    const mayAsk = failed === undefined || now() >= failed.retryAt
    if (known !== undefined) {
      // What was true an hour ago is good enough while it is being renewed, or can't be.
      if (now() - known.at >= RENEW_AFTER_MS && mayAsk && pending === undefined) {
        pending = attempt(true)
        pending.catch(() => undefined)
      }
      return known.provider
    }
    if (pending === undefined && !mayAsk) throw failed?.fault
    pending ??= attempt(true)
    return pending
  }
  return Object.assign(fromMemory, { anew: () => (pending ??= attempt(false)) })
}

/**
 * Where openid-client knows that an issuer may be a template, `…/{tenantid}/v2.0`, and compares it with the
 * token's `tid`. It asks at no other address of Entra ID, such as those of the national clouds.
 */
const ENTRA = 'https://login.microsoftonline.com'
const METADATA_PATH = '/.well-known/openid-configuration'

async function discover(
  {
    issuer,
    clientId,
    clientSecret,
    clientAuth = clientAuthentication(clientSecret),
    hasTenants = false,
    http,
    now,
  }: DiscoveryOptions,
  former: DiscoveredProvider | undefined,
): Promise<DiscoveredProvider> {
  const { origin, pathname } = new URL(issuer)
  const asked = new URL(hasTenants ? `${ENTRA}${pathname}` : issuer)
  const addressOf = (url: string) =>
    hasTenants && url.startsWith(`${ENTRA}/`) && url.endsWith(METADATA_PATH)
      ? origin + url.slice(ENTRA.length)
      : url
  const metadata = {
    [clockTolerance]: TOLERANCE_SECONDS,
    [clockSkew]: Math.round((now() - Date.now()) / 1000),
  }
  // Plain HTTP is bounded by the HTTP client, to this machine.
  const configuration = await discovery(asked, clientId, metadata, clientAuth, {
    execute: issuer.startsWith('http:') ? [allowInsecureRequests] : [],
    [customFetch]: async (url, { method, headers, body = null, signal = null }) => {
      const answer = await http.fetch(addressOf(url), { method, headers, body, signal })
      return method === 'POST' ? await withoutEmptyMembers(answer) : answer
    },
  })
  const { jwks_uri: jwksUri } = configuration.serverMetadata()
  if (jwksUri === undefined || !URL.canParse(jwksUri))
    throw new Fault('IDP_ANSWER_INVALID', `${issuer}, discovery: its metadata names no jwks_uri`)
  // Keys that are known stay known: their server may be down just now.
  const jwks = former?.jwksUri === jwksUri ? former.jwks : openJwks(new URL(jwksUri), http)
  return { configuration, jwks, jwksUri, authenticate: clientAuth }
}

/**
 * Some token endpoints write `null` or nothing for what they do not give, such as a refresh token. It is not
 * there then.
 */
async function withoutEmptyMembers(answer: Response): Promise<Response> {
  const { status, headers } = answer
  const text = await answer.clone().text()
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return answer
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return answer
  const given = Object.entries(body).filter(([, value]) => value !== null && value !== '')
  return new Response(JSON.stringify(Object.fromEntries(given)), { status, headers })
}

/** RFC 8414 section 2: a provider that does not say how it wants the secret takes it in HTTP Basic form. */
function clientAuthentication(secret: string | undefined): ClientAuth {
  if (secret === undefined) return None()
  const [basic, post] = [ClientSecretBasic(secret), ClientSecretPost(secret)]
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const use = methods.includes('client_secret_basic') ? basic : post
    use(server, ...rest)
  }
}
