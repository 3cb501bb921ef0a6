/**
 * A driver that fails or stands still when a test says so, over one that works.
 *
 * @module
 */
import { Fault } from '../errors.ts'
import type { Driver } from './driver.ts'

/** What can't be done while there is no room. */
const WRITES = new Set([
  'save',
  'delete',
  'sweep',
  'endAhead',
  'note',
  'put',
  'noteClock',
  'dropSessions',
  'claimOnce',
  'sweepRest',
])

export interface Trouble {
  /** Writes alone, as on a full disk, or all that is asked. */
  fails: 'nothing' | 'writes' | 'everything'
  /** What is asked by that name answers when this does. */
  held: { readonly name: string; readonly until: Promise<void> } | undefined
}

export function troubled(driver: Driver, trouble: Trouble): Driver {
  const isRefused = (name: string) =>
    name !== 'probe' && (trouble.fails === 'everything' || (trouble.fails === 'writes' && WRITES.has(name)))
  /** Each function of it, and of the parts it has. */
  const wrapped = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof key === 'symbol') return typeof value === 'function' ? value.bind(target) : value
        if (typeof value === 'object' && value !== null) return wrapped(value)
        if (typeof value !== 'function') return value
        return (...args: readonly unknown[]): unknown => {
          if (isRefused(key)) throw new Fault('STORE_UNAVAILABLE', 'the session store failed: no room')
          const answer: unknown = Reflect.apply(value, target, args)
          const { held } = trouble
          return held?.name === key ? held.until.then(() => answer) : answer
        }
      },
    })
  return wrapped(driver)
}
