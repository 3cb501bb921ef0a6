/**
 * An HTTP proxy that takes every name to loopback, for clients that ask DNS for `*.localhost` in spite of RFC
 * 6761: Go's resolver and Node's, for example. What goes through it is TLS between the client and the edge.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface LoopbackNames extends AsyncDisposable {
  /** For `https_proxy`. */
  readonly url: string
}

export async function startLoopbackNames(): Promise<LoopbackNames> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
  }
  const server = createServer((_, response) => response.writeHead(405).end())
  server.on('connect', ({ url = '' }, client: Socket, head: Buffer) => {
    const port = Number(url.split(':').at(-1))
    const edge = keep(connect(port, '127.0.0.1', () => client.write('HTTP/1.1 200 Connected\r\n\r\n')))
    edge.write(head)
    keep(client).pipe(edge).pipe(client)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
