/**
 * HTTP to servers that Sallyport itself calls: bounded in time and size, following no redirect.
 *
 * Names under `.localhost` are this machine (RFC 6761 section 6.3), whatever the system's resolver says.
 * Plain HTTP goes to this machine only.
 *
 * @module
 */
import type { LookupAddress } from 'node:dns'
import { type LookupOptions, lookup as systemLookup } from 'node:dns'
import { getCACertificates } from 'node:tls'
import { Agent, request as undiciRequest } from 'undici'
import { isLoopback } from '../loopback.ts'

export interface HttpClient extends AsyncDisposable {
  /** As the Fetch API's, but for redirects: they come back as they are. @throws {HttpFailure} */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>
}

export interface HttpClientOptions {
  /** PEM of roots that are trusted beside the system's. */
  readonly trustedCa?: readonly string[] | undefined
  readonly timeoutMs?: number
  readonly maxResponseBytes?: number
  /** A further host that may be asked in plain HTTP. */
  readonly plainHttpTo?: string
}

/** No answer was had, or none that could be read whole. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure'
}

export function createHttpClient({
  trustedCa = [],
  timeoutMs = 10_000,
  maxResponseBytes = 1024 * 1024,
  plainHttpTo,
}: HttpClientOptions = {}): HttpClient {
  const ca = trustedCa.length > 0 ? { ca: [...getCACertificates('default'), ...trustedCa] } : {}
  const agent = new Agent({
    connect: { ...ca, lookup, timeout: timeoutMs },
    connections: 16,
    maxHeaderSize: 64 * 1024,
  })

  return {
    async fetch(url, init = {}) {
      const { signal: givenSignal, ...rest } = init
      // Request knows how to turn every kind of body into bytes and a content type.
      const request = new Request(url, { ...rest, redirect: 'manual' })
      const { protocol, hostname, origin, pathname } = new URL(request.url)
      const named = `${request.method} ${origin}${pathname}`
      const mayBePlain = isLoopback(hostname) || hostname === plainHttpTo
      if (protocol !== 'https:' && !(protocol === 'http:' && mayBePlain))
        throw new HttpFailure(`${named}: plain HTTP is for this machine only`)
      const timeout = AbortSignal.timeout(timeoutMs)
      try {
        const body = Buffer.from(await request.arrayBuffer())
        const answer = await undiciRequest(request.url, {
          dispatcher: agent,
          method: request.method,
          headers: Object.fromEntries(request.headers),
          body: body.length > 0 ? body : null,
          signal: givenSignal ? AbortSignal.any([givenSignal, timeout]) : timeout,
        })
        const bytes = await readBounded(answer.body, maxResponseBytes)
        const headers = Object.entries(answer.headers).flatMap(([name, value = '']) =>
          [value].flat().map((one): [string, string] => [name, one]),
        )
        const { statusCode: status } = answer
        return new Response(NULL_BODY_STATUSES.has(status) ? null : bytes, { status, headers })
      } catch (cause) {
        throw new HttpFailure(
          `${named}: ${timeout.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(cause)}`,
          {
            cause,
          },
        )
      }
    },
    async [Symbol.asyncDispose]() {
      await agent.destroy()
    },
  }
}

/** Statuses that a Response takes without body only. */
const NULL_BODY_STATUSES = new Set([204, 205, 304])

async function readBounded(body: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > limit) throw new RangeError(`the answer is larger than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void

function lookup(hostname: string, options: LookupOptions, callback: LookupCallback): void {
  if (!isLoopback(hostname)) systemLookup(hostname, options, callback)
  else if (options.all === true)
    callback(null, [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ])
  else callback(null, '127.0.0.1', 4)
}

/** The reason in an operator's words; undici and TLS hide it one or two causes deep. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0])
  if (!(error instanceof Error)) return 'unknown error'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (UNTRUSTED.test(code))
    return `its certificate is not trusted (${code}); name its CA in certificate_authority`
  if (error.message === '' || error.message === 'fetch failed') return reasonOf(error.cause)
  return error.message
}

const UNTRUSTED = /^(UNABLE_TO_(VERIFY|GET)_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|CERT_UNTRUSTED)/
