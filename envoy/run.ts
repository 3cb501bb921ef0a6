/**
 * One Envoy process: started in a session of its own (Ctrl-C in the terminal reaches Sallyport alone, which
 * stops Envoy in its order), watched so that it never outlives us, and listened to.
 *
 * @module
 */

import { spawn } from 'node:child_process'
import type { Logger, LogLevel } from '../src/telemetry/log.ts'
import { ENVOY_LEVEL, inLines, LastWords, logEnvoyLine, readEnvoyLine } from './log-lines.ts'

/**
 * Waits at a pipe that only we hold open. Its end without a line means that we died, however suddenly
 * (SIGKILL, out of memory): then Envoy, which nobody would stop any more, is killed.
 */
const WATCHDOG = 'trap "" HUP INT TERM; read -r _ || kill -9 "$1" 2>/dev/null'

/** Secrets that Sallyport has in its environment are none of Envoy's business. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'SSL_CERT_FILE', 'SSL_CERT_DIR']

/**
 * How long streams of a replaced listener may go on. Its connections are closed with the next answer, so only
 * what lasts longer than that, such as a WebSocket, meets this limit.
 */
const LISTENER_DRAIN_SECONDS = 86_400

/** How long an access log line may wait in Envoy; by default it would be ten seconds. */
const ACCESS_LOG_FLUSH_MS = '1000'

/**
 * Where access log lines go. It has to bound what waits in it, dropping and counting the rest: an Envoy that
 * nobody reads keeps its lines in memory.
 */
export interface LineSink {
  write(lines: Buffer): unknown
}

export interface RunOptions {
  readonly envoyPath: string
  readonly bootstrapFile: string
  readonly logLevel: LogLevel
  /** Worker threads; default as many as the machine has cores. */
  readonly concurrency?: number | undefined
  readonly logger: Logger
  readonly accessLog: LineSink
  /** Whether it was told to stop: that it then complains of lost streams is no news. */
  readonly isStopping?: (() => boolean) | undefined
}

interface Exit {
  /** How it ended, in words: `exited with code 1`. */
  readonly how: string
  readonly lastWords: string
}

export interface RunningEnvoy {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined
  readonly exited: Promise<Exit>
  signal(signal: 'SIGTERM' | 'SIGKILL'): void
}

export function startEnvoy(options: RunOptions): RunningEnvoy {
  const { logger, accessLog } = options
  const child = spawn(options.envoyPath, argumentsOf(options), {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]])),
  })
  const lastWords = new LastWords()
  let reason: string | undefined
  child.stdout.on(
    'data',
    inLines((lines) => void accessLog.write(lines)),
  )
  child.stderr.on(
    'data',
    inLines((lines) => {
      for (const text of lines.toString('utf8').split('\n')) {
        if (text === '') continue
        const line = readEnvoyLine(text)
        lastWords.add(line)
        logEnvoyLine(logger, options.isStopping?.() === true ? { ...line, level: 'debug' } : line)
      }
    }),
  )
  child.on('error', (error) => {
    reason = `could not be started: ${error.message}`
  })
  const release = child.pid === undefined ? () => undefined : watch(child.pid)
  return {
    pid: child.pid,
    exited: new Promise((resolve) => {
      child.on('close', (code, signal) => {
        release()
        const how = reason ?? (signal === null ? `exited with code ${code}` : `was ended by ${signal}`)
        resolve({ how, lastWords: lastWords.toString() })
      })
    }),
    signal: (signal) => {
      child.kill(signal)
    },
  }
}

/**
 * What writes whole requests into the log when it is asked for details: cookies, and the tokens that
 * upstreams get, must not stand there.
 */
const HEADER_LOGGERS = ['http', 'http2', 'router', 'rbac', 'ext_authz', 'filter', 'grpc']

function quieter(level: LogLevel): string {
  return ENVOY_LEVEL[level === 'trace' || level === 'debug' ? 'info' : level]
}

/** Of its command line. */
export function argumentsOf(
  options: Pick<RunOptions, 'bootstrapFile' | 'logLevel' | 'concurrency'>,
): string[] {
  const { concurrency } = options
  return [
    '--config-path',
    options.bootstrapFile,
    '--file-flush-interval-msec',
    ACCESS_LOG_FLUSH_MS,
    '--log-level',
    ENVOY_LEVEL[options.logLevel],
    '--component-log-level',
    HEADER_LOGGERS.map((name) => `${name}:${quieter(options.logLevel)}`).join(','),
    // No shared memory: several Sallyports on one machine, or a new one beside a dying one, don't meet.
    '--disable-hot-restart',
    ...(concurrency === undefined ? [] : ['--concurrency', String(concurrency)]),
    '--drain-time-s',
    String(LISTENER_DRAIN_SECONDS),
    // Not by and by over that time: an answer that comes after a change, or while we stop, ends its
    // connection.
    '--drain-strategy',
    'immediate',
  ]
}

/** Starts the watchdog of a process; the function that it returns sends it home. */
function watch(pid: number): () => void {
  const watchdog = spawn('sh', ['-c', WATCHDOG, 'sallyport-watchdog', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  // Without a shell Envoy is not watched, but runs.
  watchdog.on('error', () => undefined)
  watchdog.stdin.on('error', () => undefined)
  watchdog.unref()
  return () => watchdog.stdin.end('\n')
}
