/**
 * The app behind the demo: shows the identity it received and proves it, as any upstream can, with a stock
 * JWT library and the JWKS that Sallyport publishes on the app's own host.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http'
import { createRemoteJWKSet, customFetch, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import { reasonOf } from '../../errors.ts'
import { html } from '../../transport/html.ts'
import { factList, PAGE_HEADERS, renderPage } from '../../transport/page.ts'
import { serveLocally } from './local-server.ts'

const ASSERTION_HEADER = 'x-pomerium-jwt-assertion'
/** Of the headers, those that say something about the way through the proxy. */
const SHOWN = /^(host|authorization|x-(pomerium|forwarded|request)-.*)$/

export interface SampleAppOptions {
  readonly port: number
  /** Fetches the JWKS: knows the demo's CA and that `*.localhost` is this machine. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly jwksUrl: string
}

interface Verified {
  readonly claims: JWTPayload | undefined
  readonly verdict: string
  readonly genuine: boolean
}

export async function startSampleApp(options: SampleAppOptions): Promise<AsyncDisposable> {
  const keys = createRemoteJWKSet(new URL(options.jwksUrl), { [customFetch]: options.fetch })
  return await serveLocally(options.port, (request, response) => {
    const respond = async () => {
      const verified = await verify(request, keys)
      response.writeHead(200, PAGE_HEADERS).end(page(request, verified))
    }
    void respond()
  })
}

async function verify(
  request: IncomingMessage,
  keys: ReturnType<typeof createRemoteJWKSet>,
): Promise<Verified> {
  const assertion = request.headers[ASSERTION_HEADER]
  if (typeof assertion !== 'string') {
    return { claims: undefined, verdict: 'No assertion came with this request.', genuine: false }
  }
  const host = request.headers['x-forwarded-host'] ?? request.headers.host ?? ''
  const audience = String(host).replace(/:\d+$/, '')
  try {
    const { payload, protectedHeader } = await jwtVerify(assertion, keys, { audience, issuer: audience })
    const verdict = `Signature (${protectedHeader.alg}), issuer, audience and expiry verified against the JWKS.`
    return { claims: payload, verdict, genuine: true }
  } catch (error) {
    const why = error instanceof errors.JOSEError ? error.code : reasonOf(error)
    return { claims: readable(assertion), verdict: `NOT verified: ${why}`, genuine: false }
  }
}

function readable(assertion: string): JWTPayload | undefined {
  try {
    return decodeJwt(assertion)
  } catch {
    return undefined
  }
}

function page(request: IncomingMessage, { claims, verdict, genuine }: Verified): string {
  const names = [claims?.['name'], claims?.['email'], claims?.sub, 'whoever you are']
  const who = `Hello, ${String(names.find((name) => typeof name === 'string' && name !== ''))}`
  const received = Object.entries(request.headers).filter(([name]) => SHOWN.test(name))
  return renderPage({
    title: 'Sample app',
    heading: who,
    body: html`<p>${genuine ? '✓' : '–'} ${verdict}</p>
      ${claims && html`<h2>Claims of the assertion</h2><pre><code>${JSON.stringify(claims, null, 2)}</code></pre>`}
      <p><a href="/.pomerium/">My session</a> · <a href="/.pomerium/sign_out">Sign out</a></p>
      <h2>What the proxy told the app</h2>
      ${factList(received.map(([name, value]) => [name, shorten(String(value))]))}
      <p class="soft">Cookies that reached the app: ${request.headers.cookie ?? 'none'}. Sallyport keeps its own to itself.</p>`,
  })
}

function shorten(value: string): string {
  return value.length > 120 ? `${value.slice(0, 120)}…` : value
}
