/**
 * A WebSocket client whose host names all lead to loopback.
 *
 * @module
 */
import https from 'node:https'
import { WebSocket } from 'ws'
import type { Client } from './http-client.ts'

export interface WebSocketTarget {
  /** An `https:` or `wss:` address. */
  readonly url: string
  readonly ca: string
  readonly headers?: Readonly<Record<string, string>>
  /** Shown in the TLS handshake. */
  readonly client?: Client | undefined
}

/**
 * Opens the connection; `openWebSocket` rejects with `Unexpected server response: 403` when it is refused.
 */
export async function openWebSocket({ url, ca, headers = {}, client }: WebSocketTarget): Promise<WebSocket> {
  const agent = new https.Agent({
    ca,
    ...client,
    lookup: (_host, options, callback) => {
      if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }])
      else callback(null, '127.0.0.1', 4)
    },
  })
  const webSocket = new WebSocket(url.replace(/^https:/, 'wss:'), { agent, ca, headers, ...client })
  await new Promise((resolve, reject) => {
    webSocket.once('open', resolve).once('error', reject)
  })
  webSocket.on('error', () => webSocket.terminate())
  return webSocket
}

/** Sends a message and answers the next one that comes. */
export async function ask(webSocket: WebSocket, message: string): Promise<string> {
  const reply = new Promise<string>((resolve, reject) => {
    webSocket.once('message', (data: Buffer) => resolve(data.toString()))
    webSocket.once('close', (code) => reject(new Error(`closed with ${code} before an answer`)))
  })
  webSocket.send(message)
  return await reply
}
