/**
 * Keeps one Envoy running: starts it, starts it again when it crashes, and stops it with us.
 *
 * @module
 */

import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '../src/errors.ts'
import { isLive } from './admin.ts'
import { SOCKETS } from './bootstrap.ts'
import { drain } from './drain.ts'
import { type LivenessOptions, watchLiveness } from './liveness.ts'
import { type RunningEnvoy, type RunOptions, startEnvoy } from './run.ts'

const LIVE_POLL_MS = 20
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 15_000
/** One that ran so long starts again at once. */
const STABLE_MS = 60_000
const STOP_TIMEOUT_MS = 5_000

export interface SuperviseOptions extends Omit<RunOptions, 'isStopping'> {
  /** When an Envoy that runs but does not answer is told of, and started anew. */
  readonly liveness?: Pick<LivenessOptions, 'restartAfterMs' | 'unreadyAfterMs' | 'intervalMs'> | undefined
  /** How long Envoy may take to stop before it is killed. */
  readonly stopTimeoutMs?: number | undefined
  /** Monotonic milliseconds. */
  readonly now?: (() => number) | undefined
}

interface EnvoyStatus {
  readonly pid: number | undefined
  /** How often it had to be started again. */
  readonly restarts: number
  readonly lastExit: { readonly how: string; readonly lastWords: string } | undefined
  /** It runs, but has not answered for some seconds. */
  readonly isSilent: boolean
}

export interface EnvoySupervisor extends AsyncDisposable {
  status(): EnvoyStatus
  readonly adminSocket: string
  /** Asks clients to go elsewhere and waits for what they have begun; stopping is the caller's next step. */
  drain(limits: { readonly delayMs: number; readonly timeoutMs: number }): Promise<void>
  /**
   * Resolves when Envoy has its first configuration and serves.
   *
   * @throws {Fault} `ENVOY_EXITED` with its last words when it ends before that; it is then not started
   * again, since only a crash of something that once worked is worth repeating
   */
  ready(): Promise<void>
}

/** How long to wait before the next start after so many quick ends. */
export function pauseBefore(attempt: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS)
}

/** Starts Envoy with a bootstrap (`writeBootstrap`) whose admin socket lies in the same folder. */
export function superviseEnvoy(options: SuperviseOptions): EnvoySupervisor {
  const { now = () => performance.now(), stopTimeoutMs = STOP_TIMEOUT_MS } = options
  const adminSocket = join(dirname(options.bootstrapFile), SOCKETS.admin)
  const logger = options.logger.child({ service: 'envoy' }, { level: options.logLevel })
  const stopping = new AbortController()
  const liveness = watchLiveness({
    ...options.liveness,
    adminSocket,
    onFrozen: (silentMs) => {
      logger.error({ silentMs }, 'Envoy runs but does not answer: it is started anew')
      // One that is stopped takes no other signal.
      running?.signal('SIGKILL')
    },
  })
  const live = Promise.withResolvers<void>()
  // Whoever calls ready() hears of it; whoever doesn't has the log.
  live.promise.catch(() => undefined)
  let running: RunningEnvoy | undefined
  let wasLive = false
  let restarts = 0
  let lastExit: EnvoyStatus['lastExit']

  async function announceLive(): Promise<void> {
    while (!stopping.signal.aborted && !(await isLive(adminSocket))) await pause(LIVE_POLL_MS)
    if (stopping.signal.aborted) return
    wasLive = true
    live.resolve()
  }

  async function keepRunning(): Promise<void> {
    for (let quickEnds = 1; ; quickEnds += 1) {
      // What a killed Envoy left behind would be in the way of a socket.
      rmSync(adminSocket, { force: true })
      const startedAt = now()
      liveness.restart()
      running = startEnvoy({
        ...options,
        logger,
        isStopping: () => stopping.signal.aborted,
      })
      const exit = await running.exited
      lastExit = exit
      if (stopping.signal.aborted) return
      const fault = new Fault('ENVOY_EXITED', `Envoy ${exit.how}: ${exit.lastWords}`)
      if (!wasLive) {
        stopping.abort()
        liveness[Symbol.dispose]()
        live.reject(fault)
        return
      }
      if (now() - startedAt > STABLE_MS) quickEnds = 1
      const pauseMs = pauseBefore(quickEnds)
      logger.error({ code: fault.code, restartInMs: pauseMs }, fault.message)
      await pause(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      restarts += 1
    }
  }

  const done = keepRunning()
  void announceLive()
  return {
    adminSocket,
    status: () => ({ pid: running?.pid, restarts, lastExit, isSilent: liveness.isSilent }),
    async drain(limits) {
      if (!wasLive) return
      await drain({
        ...limits,
        adminSocket,
        onWaiting: (requests) =>
          logger.info(
            { requests, atMostMs: limits.timeoutMs },
            'waiting for requests under way; a second signal ends them',
          ),
      })
    },
    ready: () => live.promise,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      liveness[Symbol.dispose]()
      live.reject(new Fault('ENVOY_EXITED', 'Envoy was stopped before it served'))
      running?.signal('SIGTERM')
      const timer = setTimeout(() => running?.signal('SIGKILL'), stopTimeoutMs)
      await done
      clearTimeout(timer)
    },
  }
}
