/**
 * A shop that says which page was asked for and whose assertion came along, read without verifying it.
 *
 * @module
 */
import { createServer } from 'node:http'
import { decodeJwt } from 'jose'

const PORT = Number(process.env['PORT'] ?? 3000)

const server = createServer((request, response) => {
  const assertion = request.headers['x-shop-identity']
  const email = typeof assertion === 'string' ? decodeJwt(assertion)['email'] : undefined
  response.setHeader('content-type', 'application/json')
  response.end(`${JSON.stringify({ method: request.method, path: request.url, email })}\n`)
})

server.listen(PORT, '127.0.0.1', () => process.stdout.write(`the shop listens on 127.0.0.1:${PORT}\n`))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close())
