/**
 * A tiny wiki of one page: greets whoever the proxy says is there.
 *
 * It believes a plain header, so it must listen where only the proxy reaches it; docs/upstreams.md shows how
 * to verify the signed assertion instead.
 *
 * @module
 */
import { createServer } from 'node:http'

const PORT = Number(process.env['PORT'] ?? 3000)

const server = createServer((request, response) => {
  const email = request.headers['x-pomerium-claim-email'] ?? 'stranger'
  const groups = request.headers['x-pomerium-claim-groups'] ?? ''
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  response.end(`Hello, ${String(email)} of ${String(groups)}\n`)
})

server.listen(PORT, '127.0.0.1', () => process.stdout.write(`the wiki listens on 127.0.0.1:${PORT}\n`))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close())
