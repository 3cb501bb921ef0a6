/**
 * Notices an Envoy that runs but no longer answers: stopped, or stuck.
 *
 * @module
 */

import { askAdmin } from './admin.ts'

/** Loading a configuration of 10,000 routes keeps Envoy's main thread busy for many seconds. */
const SILENCE_UNTIL_RESTART_MS = 30_000
const SILENCE_UNTIL_UNREADY_MS = 10_000
const INTERVAL_MS = 1_000

export interface LivenessOptions {
  readonly adminSocket: string
  /** Told once per silence that has lasted too long. */
  readonly onFrozen: (silentMs: number) => void
  readonly restartAfterMs?: number | undefined
  readonly unreadyAfterMs?: number | undefined
  readonly intervalMs?: number | undefined
}

export interface Liveness extends Disposable {
  /** Whether it has been silent for so long that nobody should be sent to it. */
  readonly isSilent: boolean
  /** Another Envoy was started in its place. */
  restart(): void
}

/** Watches from the first answer on: an Envoy that starts may take its time. */
export function watchLiveness(options: LivenessOptions): Liveness {
  const {
    adminSocket,
    onFrozen,
    restartAfterMs = SILENCE_UNTIL_RESTART_MS,
    unreadyAfterMs = SILENCE_UNTIL_UNREADY_MS,
    intervalMs = INTERVAL_MS,
  } = options
  let heardAt: number | undefined
  let isAsking = false
  let isTold = false

  const ask = async (): Promise<void> => {
    if (isAsking) return
    isAsking = true
    try {
      await askAdmin(adminSocket, '/ready', { timeoutMs: unreadyAfterMs })
      heardAt = performance.now()
      isTold = false
    } catch {
      // Whoever refuses the connection has ended, which its supervisor knows.
    } finally {
      isAsking = false
    }
    if (silence() < restartAfterMs || isTold) return
    isTold = true
    onFrozen(Math.round(silence()))
  }

  const silence = (): number => (heardAt === undefined ? 0 : performance.now() - heardAt)
  const timer = setInterval(() => void ask(), intervalMs)
  return {
    get isSilent() {
      return silence() > unreadyAfterMs
    },
    restart() {
      heardAt = undefined
      isTold = false
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
