/**
 * A stock Envoy of one test's own: started with the product's bootstrap on sockets in a folder of its own,
 * its log read, ended always.
 *
 * @module
 */
import http from 'node:http'
import { join } from 'node:path'
import { type BootstrapOptions, SOCKETS, writeBootstrap } from '../../envoy/bootstrap.ts'
import { findEnvoy } from '../../envoy/find.ts'
import { type RunningProcess, startProcess } from './process.ts'

export interface TestEnvoy extends AsyncDisposable {
  readonly pid: number
  /** Lines of standard output: the access log. */
  readonly stdout: readonly string[]
  /** Lines of standard error: Envoy's own log. */
  readonly stderr: readonly string[]
  readonly running: RunningProcess
  /** An answer of the admin interface, such as `/config_dump?include_eds` or `/stats?format=json`. */
  admin(path: string, method?: 'GET' | 'POST'): Promise<string>
  /** Counters and gauges whose name matches. */
  stats(pattern: RegExp): Promise<Readonly<Record<string, number>>>
  stop(): Promise<void>
}

export interface TestEnvoyOptions extends BootstrapOptions {
  readonly concurrency?: number
  /** How long an old listener keeps its connections. */
  readonly drainSeconds?: number
  readonly logLevel?: 'trace' | 'debug' | 'info' | 'warn'
}

let path: Promise<string> | undefined

/** The Envoy that the product would run, found once per test process. */
export async function envoyPath(): Promise<string> {
  path ??= findEnvoy({ env: process.env }).then((found) => found.path)
  return await path
}

function ask(socketPath: string, target: string, method: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ socketPath, path: target, method, agent: false }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.once('end', () => resolve(Buffer.concat(chunks).toString()))
      incoming.once('error', reject)
    })
    outgoing.once('error', reject)
    outgoing.end()
  })
}

/** Returns at once; what Envoy lacks (sockets, routes) it waits for. */
export async function startEnvoy(options: TestEnvoyOptions): Promise<TestEnvoy> {
  const { concurrency = 1, drainSeconds = 2, logLevel = 'warn' } = options
  const running = startProcess({
    name: 'envoy',
    command: await envoyPath(),
    args: [
      '--config-path',
      writeBootstrap(options),
      '--disable-hot-restart',
      '--concurrency',
      String(concurrency),
      '--drain-time-s',
      String(drainSeconds),
      // The access log is written at once, not every ten seconds.
      '--file-flush-interval-msec',
      '50',
      '--log-level',
      logLevel,
    ],
  })
  const socketPath = join(options.runDirectory, SOCKETS.admin)
  const admin = (target: string, method: 'GET' | 'POST' = 'GET') => ask(socketPath, target, method)
  return {
    pid: running.pid,
    stdout: running.stdout,
    stderr: running.stderr,
    running,
    admin,
    async stats(pattern) {
      const text = await admin('/stats')
      const lines = text.split('\n').map((line) => line.split(': '))
      return Object.fromEntries(
        lines.flatMap(([name = '', value = '']) =>
          pattern.test(name) && /^\d+$/.test(value) ? [[name, Number(value)]] : [],
        ),
      )
    },
    async stop() {
      await running.stop()
    },
    async [Symbol.asyncDispose]() {
      await running.stop()
    },
  }
}
