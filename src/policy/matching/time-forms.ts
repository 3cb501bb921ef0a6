/**
 * How times, days and dates may be written in a policy.
 *
 * @module
 */
import type { TimeZone } from './time-zone.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

const ISO_DATE =
  /^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})(?:[Tt ](?<hour>\d{2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d{1,9}))?)?(?<zone>[Zz]|[+-]\d{2}(?::?\d{2})?)?)?$/

/**
 * A date or a moment (ISO 8601, RFC 3339) as epoch milliseconds. A date is its first moment; one without a
 * zone of its own is read in the zone given. `undefined` for anything else, the 30th of February too.
 */
export function momentOf(text: string, zone: TimeZone): number | undefined {
  const { groups } = ISO_DATE.exec(text) ?? {}
  if (groups === undefined) return undefined
  const of = (part: string) => Number(groups[part] ?? 0)
  const [year, month, day, hour, minute, second] = [
    of('year'),
    of('month'),
    of('day'),
    of('hour'),
    of('minute'),
    of('second'),
  ]
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined
  const midnight = new Date(0).setUTCFullYear(year, month - 1, day)
  if (new Date(midnight).getUTCDate() !== day) return undefined
  const fraction = Math.floor(Number(`0.${groups['fraction'] ?? 0}`) * SECOND_MS)
  const local = midnight + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + fraction
  if (groups['zone'] === undefined) return zone.instantOf(local)
  const offset = offsetOf(groups['zone'])
  return offset === undefined ? undefined : local - offset
}

function offsetOf(text: string): number | undefined {
  if (/^z$/i.test(text)) return 0
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(3).replace(':', ''))]
  if (hours > 23 || minutes > 59) return undefined
  return (text.startsWith('-') ? -1 : 1) * (hours * HOUR_MS + minutes * MINUTE_MS)
}

const CLOCK = /^(?<hour>\d{1,2})(?::(?<minute>\d{2})(?::(?<second>\d{2}))?)?(?: ?(?<half>[AaPp])\.?[Mm]\.?)?$/

/** Milliseconds since midnight: `15:04`, `15:04:05`, `3 PM`, `3:04PM`, `3:04:05 PM`. */
export function timeOfDayOf(text: string): number | undefined {
  const { groups } = CLOCK.exec(text.trim()) ?? {}
  if (groups === undefined) return undefined
  const { hour: hourText = '', minute: minuteText, second: secondText, half } = groups
  const [hour, minute, second] = [Number(hourText), Number(minuteText ?? 0), Number(secondText ?? 0)]
  // "15" alone could be anything
  if ((half === undefined && minuteText === undefined) || minute > 59 || second > 59) return undefined
  if (half === undefined)
    return hour > 23 ? undefined : hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS
  if (hour < 1 || hour > 12) return undefined
  const onTwentyFour = (hour % 12) + (/p/i.test(half) ? 12 : 0)
  return onTwentyFour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS
}

/** As `Date.getUTCDay` counts. */
const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const
const SHORT_NAME = 3

/** The days of `mon,wed`, `tue-fri`, `fri-mon`, `Monday` or `*`; otherwise the part that can't be read. */
export function weekdaysOf(text: string): ReadonlySet<number> | { readonly unreadable: string } {
  const days = new Set<number>()
  for (const part of text.split(',').map((each) => each.trim())) {
    const [from, to, ...more] =
      part === '*' ? [0, DAYS.length - 1] : part.split('-').map((name) => dayOf(name))
    const last = to ?? from
    const isRange = part === '*' || part.includes('-')
    if (from === undefined || last === undefined || (isRange && to === undefined) || more.length > 0)
      return { unreadable: part }
    for (let day = from; ; day = (day + 1) % DAYS.length) {
      days.add(day)
      if (day === last) break
    }
  }
  return days
}

function dayOf(text: string): number | undefined {
  const name = text.trim().toLowerCase()
  const index = DAYS.findIndex(
    (day) => name === day || name === day.slice(0, SHORT_NAME) || isOldShort(name, day),
  )
  return index === -1 ? undefined : index
}

/** `tues`, `thur`, `thurs` are written too. */
function isOldShort(name: string, day: string): boolean {
  return name.length > SHORT_NAME && name.length <= 5 && day.startsWith(name)
}
