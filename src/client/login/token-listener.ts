/**
 * Where the browser brings the token: a port of this computer, for one sign-in.
 *
 * Any page and any program here can ask that port for something. So the address holds a secret that only the
 * server was told; and a page that reaches the port by a name of its own (DNS rebinding) is not answered.
 *
 * @see RFC 8252 sections 7.3 and 8.9
 * @module
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Fault, reasonOf } from '../../errors.ts'
import { isToken } from '../credentials/token.ts'
import { parsedUrl } from '../server-url.ts'

export interface TokenListener {
  /** For the server: with the secret. */
  readonly redirectUri: string
  readonly token: Promise<string>
  /** An address that was copied from a browser of another computer. @returns whether it is the one */
  take(address: string): boolean
  close(): Promise<void>
}

const CALLBACK = '/callback'
const DONE = '/signed-in'
const SHOW_WITHIN_MS = 2_000

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  connection: 'close',
}

const page = (title: string, text: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><body style="font:1rem/1.5 system-ui,sans-serif;margin:4rem auto;max-width:32rem;padding:0 1rem"><main><h1>${title}</h1><p>${text}</p></main></body></html>\n`

const SIGNED_IN = page('You are signed in', 'You may close this page and go back to the terminal.')
const STRANGER = page(
  'Not from this sign-in',
  'This address does not belong to the sign-in that waits here. Start again in the terminal.',
)

/** @throws {Fault} LOGIN_FAILED when no port is free */
export async function listenForToken(): Promise<TokenListener> {
  const state = randomBytes(32).toString('base64url')
  const { promise, resolve } = resolvable<string>()
  const shown = resolvable<void>()
  let isTaken = false

  const tokenIn = (url: URL): string | undefined => {
    const token = url.searchParams.get('pomerium_jwt') ?? ''
    const isMeant = url.pathname === CALLBACK && isEqual(url.searchParams.get('state') ?? '', state)
    return isMeant && isToken(token) ? token : undefined
  }
  const take = (token: string | undefined): boolean => {
    // Once: whoever comes later does not change whose token it is.
    if (token === undefined || isTaken) return false
    isTaken = true
    resolve(token)
    return true
  }

  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (asked, response) => {
    const url = urlOf(asked, host)
    if (url === undefined) return answer(response, 400, STRANGER)
    if (url.pathname === DONE && isTaken) {
      response.once('close', shown.resolve)
      return answer(response, 200, SIGNED_IN)
    }
    if (!take(tokenIn(url))) return answer(response, 400, STRANGER)
    // So that the token stays neither in the address bar nor in the history.
    response.writeHead(303, { ...HEADERS, location: DONE })
    return response.end()
  })
  server.maxConnections = 32
  await new Promise<void>((ready, failed) => {
    server.once('error', (error) =>
      failed(
        new Fault('LOGIN_FAILED', `no port of this computer can be listened on: ${reasonOf(error)}`, {
          cause: error,
        }),
      ),
    )
    server.listen(0, '127.0.0.1', ready)
  })
  const address = server.address()
  const host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`

  return {
    redirectUri: `http://${host}${CALLBACK}?state=${state}`,
    token: promise,
    take(text) {
      const url = parsedUrl(text.trim())
      shown.resolve()
      return url?.host === host && url.protocol === 'http:' && take(tokenIn(url))
    },
    async close() {
      // The browser is about to ask for the page that says so.
      if (isTaken) await Promise.race([shown.promise, later(SHOW_WITHIN_MS)])
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Undefined for a request that no sign-in of ours makes. */
function urlOf({ method, headers, url = '' }: IncomingMessage, host: string): URL | undefined {
  if (method !== 'GET' || headers.host !== host || !url.startsWith('/')) return undefined
  return parsedUrl(`http://${host}${url}`)
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, HEADERS)
  response.end(body)
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** An older Node has no `Promise.withResolvers`. */
function resolvable<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let settle: ((value: T) => void) | undefined
  const promise = new Promise<T>((resolve) => {
    settle = resolve
  })
  return { promise, resolve: (value) => settle?.(value) }
}

const later = async (ms: number): Promise<void> =>
  await new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
