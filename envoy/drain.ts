/**
 * Stops an Envoy without breaking what is under way: clients are asked to go elsewhere, and what they have
 * begun is waited for, within limits.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/operations/draining
 * @module
 */

import { setTimeout as pause } from 'node:timers/promises'
import { askAdmin } from './admin.ts'

const POLL_MS = 100
const ADMIN_TIMEOUT_MS = 1_000

export interface DrainOptions {
  readonly adminSocket: string
  /** How long new connections are taken at the least, so that a load balancer may notice. */
  readonly delayMs: number
  /** How long requests under way are waited for at the most, the delay included. */
  readonly timeoutMs: number
  /** Told once how many are waited for; not at all when there are none. */
  readonly onWaiting: (requests: number) => void
}

/** Upgraded streams, such as WebSockets, have no end to wait for. */
const GAUGES = /^http\.(?:main|http_redirect)\.downstream_(rq_active|cx_upgrades_active): (\d+)$/

/** @param text of `/stats` */
export function requestsUnderWay(text: string): number {
  let count = 0
  for (const line of text.split('\n')) {
    const [, gauge, value] = GAUGES.exec(line) ?? []
    if (gauge !== undefined) count += gauge === 'rq_active' ? Number(value) : -Number(value)
  }
  return Math.max(0, count)
}

/**
 * Resolves when nothing is under way any more or time is up. An Envoy that does not answer is not waited for.
 */
export async function drain({ adminSocket, delayMs, timeoutMs, onWaiting }: DrainOptions): Promise<void> {
  const ask = async (path: string, method: 'GET' | 'POST') =>
    await askAdmin(adminSocket, path, { method, timeoutMs: ADMIN_TIMEOUT_MS })
  const begun = performance.now()
  const waited = (): number => performance.now() - begun
  try {
    await ask('/healthcheck/fail', 'POST')
    // Answers say `Connection: close` or GOAWAY from now on; Envoy goes on to accept until it is ended.
    await ask('/drain_listeners?graceful', 'POST')
    const underWay = async (): Promise<number> =>
      requestsUnderWay((await ask('/stats?filter=downstream_(rq|cx_upgrades)_active$', 'GET')).body)
    let isTold = false
    while (waited() < timeoutMs) {
      const count = await underWay()
      if (count === 0 && waited() >= delayMs) return
      if (count > 0 && !isTold) {
        isTold = true
        onWaiting(count)
      }
      await pause(Math.min(POLL_MS, timeoutMs))
    }
  } catch {
    // It ended by itself, or hangs: there is nothing to wait for.
  }
}
