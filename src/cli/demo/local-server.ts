/** An HTTP server of the demo: on loopback only, ended without waiting for idle connections. */
import { createServer, type RequestListener } from 'node:http'

export async function serveLocally(port: number, listener: RequestListener): Promise<AsyncDisposable> {
  const server = createServer(listener)
  await new Promise<void>((listening, failed) => {
    server.once('error', failed)
    server.listen(port, '127.0.0.1', listening)
  })
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise((done) => server.close(done))
      server.closeAllConnections()
      await closed
    },
  }
}
