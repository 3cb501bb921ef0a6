/**
 * When something shall end, as people type it.
 *
 * @module
 */
import { parseDuration } from '../../config/values/duration.ts'
import { Fault } from '../../errors.ts'

const DAY_MS = 86_400_000
/** Of JavaScript; a date beyond it is no date. */
const LAST_TIME = 8.64e15

/**
 * @param text `90d`, `12h`, `1h30m`, `2027-01-31` (the end of that day, UTC) or `2027-01-31T12:00:00Z`
 * @returns epoch milliseconds
 * @throws {Fault} USAGE
 */
export function parseExpiry(text: string, now: number): number {
  const days = /^(\d{1,6})d$/.exec(text)?.[1]
  const duration = days === undefined ? parseDuration(text) : Number(days) * DAY_MS
  if (typeof duration === 'number' && duration > 0 && now + duration < LAST_TIME) return now + duration
  if (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text))) return Date.parse(text) + DAY_MS
  const time = /^\d{4}-\d\d-\d\dT\S+(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return time
  throw new Fault(
    'USAGE',
    `--expires is a time from now such as 90d or 12h, or a date such as 2027-01-31, not "${text}"`,
  )
}
