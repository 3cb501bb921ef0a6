/**
 * Runs in the network of the machine under test: an app, and visitors who ask Envoy for it one after another.
 * Prints how often each answer came, as JSON.
 *
 * `node visitors.ts REQUESTS VISITORS PAUSE_MS`
 *
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Agent, request } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import { APP_PORT, HOSTS } from './config.ts'

const [requests = 1, visitors = 1, pauseMs = 0] = process.argv.slice(2).map(Number)
const PATIENCE_MS = 30_000

const app = createServer((_request, response) => response.end('the app')).listen(APP_PORT, '127.0.0.1')
await once(app, 'listening')

/** Every other one has a connection of its own. */
const kept = new Agent({ keepAlive: true })

async function ask(host: string, agent: Agent | undefined): Promise<string> {
  return await new Promise((resolve) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: 443,
        servername: host,
        headers: { host, accept: 'text/html' },
        rejectUnauthorized: false,
        timeout: PATIENCE_MS,
        ...(agent !== undefined && { agent }),
      },
      (response) => {
        response.resume().once('end', () => resolve(`${host} ${response.statusCode}`))
      },
    )
    asked.once('timeout', () => asked.destroy(new Error('no answer')))
    asked.once('error', (error) => resolve(`${host} ${error.message}`))
    asked.end()
  })
}

const answers = new Map<string, number>()
let slowestMs = 0
async function visit(visitor: number): Promise<void> {
  for (let at = 0; at < requests; at += 1) {
    const began = performance.now()
    const answer = await ask(
      HOSTS[(at >> 1) % HOSTS.length] ?? '',
      (at + visitor) % 2 === 0 ? kept : undefined,
    )
    answers.set(answer, (answers.get(answer) ?? 0) + 1)
    slowestMs = Math.max(slowestMs, performance.now() - began)
    if (at === 0 && visitor === 0) process.stderr.write('asking\n')
    await pause(pauseMs)
  }
}
await Promise.all(Array.from({ length: visitors }, (_, visitor) => visit(visitor)))
process.stdout.write(
  `${JSON.stringify({ slowestMs: Math.round(slowestMs), ...Object.fromEntries(answers) })}\n`,
)
kept.destroy()
app.close()
app.closeAllConnections()
