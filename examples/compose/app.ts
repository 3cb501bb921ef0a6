/**
 * The protected app of the compose set-ups: shows which identity came with a request. Any program that
 * speaks HTTP could stand here; see the sample app of the demo for how an assertion is verified.
 *
 * @module
 */

import { createServer } from 'node:http'

const IDENTITY = /^x-pomerium-(?!routing)/
const PORT = Number(process.env['PORT'] ?? 8000)
const HOST = process.env['HOST'] ?? '0.0.0.0'

const server = createServer((request, response) => {
  const identity = Object.entries(request.headers).filter(([name]) => IDENTITY.test(name))
  response.setHeader('content-type', 'application/json')
  response.end(`${JSON.stringify({ path: request.url, identity: Object.fromEntries(identity) }, null, 2)}\n`)
})

server.listen(PORT, HOST)
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close())
