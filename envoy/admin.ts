/**
 * Asks Envoy's admin interface, which listens on a Unix socket.
 *
 * @module
 */

import { request } from 'node:http'

const TIMEOUT_MS = 5_000

export interface AdminAnswer {
  readonly status: number
  readonly body: string
}

/**
 * @param path such as `/ready` or `/stats/prometheus`
 * @throws {Error} when nobody answers on the socket
 */
export function askAdmin(
  socketPath: string,
  path: string,
  options: { method?: 'GET' | 'POST'; timeoutMs?: number } = {},
): Promise<AdminAnswer> {
  const { method = 'GET', timeoutMs = TIMEOUT_MS } = options
  return new Promise((resolve, reject) => {
    const asking = request(
      // Envoy closes admin connections as it likes: one per question, and none is kept.
      { socketPath, path, method, agent: false, signal: AbortSignal.timeout(timeoutMs) },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        )
      },
    )
    asking.on('error', reject)
    asking.end()
  })
}

/** Whether Envoy has its first configuration and serves. */
export async function isLive(socketPath: string): Promise<boolean> {
  try {
    return (await askAdmin(socketPath, '/ready')).status === 200
  } catch {
    return false
  }
}
