/**
 * Waiting for something to become true, with a deadline and a sentence for the failure. Tests never just
 * sleep.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'

export interface UntilOptions {
  /** What is awaited, as the failure will name it. */
  readonly what: string
  readonly withinMs?: number
  readonly everyMs?: number
}

/**
 * The first value that is neither `undefined` nor `false`. A throw counts as "not yet", and the last one is
 * shown when time is up.
 */
export async function until<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { what, withinMs = 10_000, everyMs = 20 }: UntilOptions,
): Promise<T> {
  const deadline = performance.now() + withinMs
  let cause: unknown
  for (;;) {
    try {
      const value = await probe()
      if (value !== undefined && value !== false) return value
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what}`, { cause })
    await delay(everyMs)
  }
}
