/**
 * How long something holds the thread, by the CPU time that single turns of the event loop take.
 *
 * CPU time and not the clock on the wall: other tests run beside this one, and a machine under load is no
 * fault of the program's. What a worker thread does is not counted.
 *
 * @module
 */
import { setImmediate as nextTurn } from 'node:timers/promises'

export interface Turns<T> {
  readonly result: T
  /** CPU milliseconds of the dearest turn. */
  readonly longestMs: number
  readonly count: number
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Runs `act` and measures every turn until it is done. */
export async function measureTurns<T>(act: () => T | Promise<T>): Promise<Turns<T>> {
  const done = new AbortController()
  let longestMs = 0
  let count = 0
  const watch = async () => {
    let before = cpuMs()
    while (!done.signal.aborted) {
      await nextTurn()
      const now = cpuMs()
      longestMs = Math.max(longestMs, now - before)
      before = now
      count++
    }
  }
  const watching = watch()
  await nextTurn()
  try {
    const result = await act()
    await nextTurn()
    return { result, longestMs, count }
  } finally {
    done.abort()
    await watching
  }
}
