/**
 * Asks one server. A redirect comes back as it is: no token leaves for another host.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { type IncomingMessage, request } from 'node:http'
import { Fault } from '../../errors.ts'
import { lookAtCertificate, openConnection, type Way } from './connection.ts'
import { isUntrusted, unreachable, untrusted } from './failure.ts'

export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

export interface HttpClient {
  readonly server: URL
  readonly isUnverified: boolean
  /** @throws {Fault} SERVER_UNREACHABLE, SERVER_UNTRUSTED, SERVER_ANSWER_INVALID */
  readonly get: (path: string, token?: string) => Promise<Answer>
}

const ANSWER_WITHIN_MS = 30_000
/** A list of some ten thousand routes. */
const MOST_BYTES = 16 * 1024 * 1024

export function createHttpClient(way: Way): HttpClient {
  const { server, trust } = way
  return {
    server,
    isUnverified: trust.isUnverified,
    async get(path, token) {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
      try {
        return await ask(way, path, token, signal)
      } catch (error) {
        if (isUntrusted(error))
          throw untrusted(server, error, await lookAtCertificate(way, signal).catch(() => undefined))
        throw unreachable(
          server,
          signal.aborted ? new Error(`no answer within ${ANSWER_WITHIN_MS / 1000} s`) : error,
        )
      }
    },
  }
}

async function ask(way: Way, path: string, token: string | undefined, signal: AbortSignal): Promise<Answer> {
  const socket = await openConnection(way, signal)
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request({
        createConnection: () => socket,
        path,
        signal,
        headers: {
          host: way.server.host,
          accept: 'application/json, text/plain;q=0.9',
          ...(token !== undefined && { authorization: `Pomerium ${token}` }),
        },
      })
      asked.once('response', resolve)
      asked.once('error', reject)
      asked.end()
    })
    return {
      status: response.statusCode ?? 0,
      contentType: response.headers['content-type'] ?? '',
      text: await textOf(response, way.server),
    }
  } finally {
    socket.destroy()
  }
}

async function textOf(response: IncomingMessage, server: URL): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of response) {
    const chunk: Buffer = part
    bytes += chunk.length
    if (bytes > MOST_BYTES)
      throw new Fault('SERVER_ANSWER_INVALID', `${server.origin} answers with more than 16 MB`)
    parts.push(chunk)
  }
  return Buffer.concat(parts).toString('utf8')
}
