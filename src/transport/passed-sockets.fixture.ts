/**
 * A service as a service manager starts it: it answers its process id on the sockets that were passed. A line
 * on standard output says that it serves, or what is wrong with them.
 *
 * @module
 */
import { createServer } from 'node:http'
import { reasonOf } from '../errors.ts'
import { passedSockets } from './passed-sockets.ts'
import { listenUnix } from './unix-socket.ts'

try {
  const passed = passedSockets(['authz', 'http'])
  for (const [name, socket] of passed ?? []) {
    const server = createServer((_request, response) => response.end(`${name} ${process.pid}`))
    await listenUnix(server, socket)
    process.once('SIGTERM', () => server.close(() => process.stdout.write('ended\n')))
  }
  process.stdout.write(`serves ${[...(passed?.keys() ?? [])].join(' and ') || 'nothing'} as ${process.pid}\n`)
} catch (error) {
  process.stdout.write(`${reasonOf(error)}\n`)
}
