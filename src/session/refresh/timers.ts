/**
 * What the refresher waits with.
 *
 * @module
 */

export interface Timers {
  /** Calls `work` again and again until disposed, never two at a time. */
  every(intervalMs: number, work: () => Promise<void>): AsyncDisposable
}

export const realTimers: Timers = {
  every(intervalMs, work) {
    let running: Promise<void> | undefined
    const timer = setInterval(() => {
      running ??= work().finally(() => {
        running = undefined
      })
    }, intervalMs)
    timer.unref()
    return {
      async [Symbol.asyncDispose]() {
        clearInterval(timer)
        await running
      },
    }
  },
}
