/**
 * Criteria about when a request is made. The time is a fact of the request; nothing here asks a clock.
 *
 * @module
 */

import { DAY_MS, momentOf, timeOfDayOf, weekdaysOf } from '../matching/time-forms.ts'
import { type TimeZone, timeZoneHint, timeZoneNamed, UTC } from '../matching/time-zone.ts'
import { type Criterion, hit, miss, unknown } from '../outcome.ts'
import { isMapping, type Path, type Report } from '../problem.ts'
import { choiceOf, suggestion } from '../suggestion.ts'
import type { CompileData, Kinds } from './kind.ts'

const DATE_OK = hit('date-ok')
const DATE_MISS = miss('date-unauthorized')
const DATE_UNKNOWN = unknown('date-unknown')
const DAY_OK = hit('day-of-week-ok')
const DAY_MISS = miss('day-of-week-unauthorized')
const DAY_UNKNOWN = unknown('day-of-week-unknown')
const TIME_OK = hit('time-of-day-ok')
const TIME_MISS = miss('time-of-day-unauthorized')
const TIME_UNKNOWN = unknown('time-of-day-unknown')

export const TIME_CRITERIA: Kinds = {
  date: {
    holds: 'it is at or after `after`, and before `before`; a date alone means its first moment',
    data: '`after` and `before`, one or both: a date or a time in ISO 8601; `timezone` for those that name no zone, otherwise UTC',
    example: { after: '2030-01-01', before: '2030-07-01T12:00:00+02:00', timezone: 'Europe/Berlin' },
    reasons: ['date-ok', 'date-unauthorized', 'date-unknown'],
    reads: ['time'],
    compile: date,
  },
  day_of_week: {
    holds: 'it is one of these days',
    data: '`*`, days such as `mon,wed`, ranges such as `tue-fri` or `fri-mon`, or full names; with a time zone as `{ is: mon-fri, timezone: … }`, otherwise UTC',
    example: { is: 'mon-fri', timezone: 'Europe/Berlin' },
    reasons: ['day-of-week-ok', 'day-of-week-unauthorized', 'day-of-week-unknown'],
    reads: ['time'],
    compile: dayOfWeek,
  },
  time_of_day: {
    holds:
      'the clocks there show `after` or later, and earlier than `before`; with `before` the smaller of the two, the window goes over midnight',
    data: '`timezone`, an IANA name, and `after`, `before` or both: `15:04`, `15:04:05`, `3 PM`, `3:04PM`, `3:04:05 PM`',
    example: { timezone: 'America/New_York', after: '9:00 AM', before: '17:30' },
    reasons: ['time-of-day-ok', 'time-of-day-unauthorized', 'time-of-day-unknown'],
    reads: ['time'],
    compile: timeOfDay,
  },
}

function date(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const keys = windowKeys(data, at, report)
  const zone = keys && zoneOf(keys['timezone'], [...at, 'timezone'], report, UTC)
  if (keys === undefined || zone === undefined) return undefined
  const form = 'must be a date or a time in ISO 8601, such as 2030-01-31 or 2030-01-31T18:00:00Z'
  const window = readWindow(keys, at, report, form, (text) => momentOf(text, zone))
  if (window === undefined) return undefined
  const { after = -Infinity, before = Infinity } = window
  if (after >= before) {
    report(at, 'can never hold: `after` is not earlier than `before`')
    return undefined
  }
  return (_, { now }) => {
    if (now === undefined) return DATE_UNKNOWN
    return now >= after && now < before ? DATE_OK : DATE_MISS
  }
}

function timeOfDay(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const keys = windowKeys(data, at, report)
  if (keys === undefined) return undefined
  if (keys['timezone'] === undefined) report(at, 'needs a `timezone` such as Europe/Berlin')
  const zone = zoneOf(keys['timezone'], [...at, 'timezone'], report, UTC)
  const form = 'must be a time of day such as "15:04", "15:04:05" or "3:04 PM"'
  const window = readWindow(keys, at, report, form, timeOfDayOf)
  if (zone === undefined || window === undefined || keys['timezone'] === undefined) return undefined
  const { after = 0, before = DAY_MS } = window
  if (after === before) {
    const why =
      window.after === undefined ? 'nothing is before midnight' : '`after` and `before` are the same'
    report(at, `can never hold: ${why}`)
    return undefined
  }
  const isOverMidnight = before < after
  return (_, { now }) => {
    if (now === undefined) return TIME_UNKNOWN
    const time = modulo(zone.localTime(now), DAY_MS)
    const isIn = isOverMidnight ? time >= after || time < before : time >= after && time < before
    return isIn ? TIME_OK : TIME_MISS
  }
}

/** The first of January 1970 was a Thursday. */
const FIRST_DAY = 4
const DAYS_IN_WEEK = 7

function dayOfWeek(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const isPlain = !isMapping(data)
  if (!isPlain) {
    reportOthers(data, ['is', 'timezone'], at, report)
    if (!Object.hasOwn(data, 'is')) report(at, 'needs the days under `is`, such as mon-fri')
  }
  const zone = isPlain ? UTC : zoneOf(data['timezone'], [...at, 'timezone'], report, UTC)
  const written = isPlain ? data : data['is']
  const days = written === undefined ? undefined : daysOf(written, isPlain ? at : [...at, 'is'], report)
  if (zone === undefined || days === undefined) return undefined
  return (_, { now }) => {
    if (now === undefined) return DAY_UNKNOWN
    const day = modulo(Math.floor(zone.localTime(now) / DAY_MS) + FIRST_DAY, DAYS_IN_WEEK)
    return days.has(day) ? DAY_OK : DAY_MISS
  }
}

function daysOf(data: unknown, at: Path, report: Report): ReadonlySet<number> | undefined {
  const isList = Array.isArray(data)
  const parts: readonly unknown[] = isList ? data : [data]
  const all = parts.map((part, index) => {
    const days = typeof part === 'string' ? weekdaysOf(part) : { unreadable: '' }
    if (!('unreadable' in days)) return days
    const what =
      days.unreadable === '' ? 'must be' : `"${days.unreadable}" is not a day or a range of days; write`
    report(isList ? [...at, index] : at, `${what} days such as "mon,wed", "tue-fri" or "*"`)
    return undefined
  })
  if (all.length === 0) report(at, 'is an empty list, which no day is in')
  const known = all.filter((days) => days !== undefined)
  return known.length < all.length || known.length === 0
    ? undefined
    : new Set(known.flatMap((days) => [...days]))
}

const WINDOW = ['after', 'before'] as const

interface Window {
  readonly after?: number
  readonly before?: number
}

type Keys = Readonly<Record<string, unknown>>

function windowKeys(data: unknown, at: Path, report: Report): Keys | undefined {
  if (!isMapping(data)) {
    report(at, 'must be a mapping with after, before, or both')
    return undefined
  }
  reportOthers(data, [...WINDOW, 'timezone'], at, report)
  if (WINDOW.every((key) => !Object.hasOwn(data, key))) report(at, `says nothing; write ${choiceOf(WINDOW)}`)
  return data
}

/** What holds these keys and has no window is wrong as well, which was reported. */
function readWindow(
  keys: Keys,
  at: Path,
  report: Report,
  form: string,
  read: (text: string) => number | undefined,
): Window | undefined {
  const given = WINDOW.filter((key) => Object.hasOwn(keys, key))
  const entries = given.flatMap((key) => {
    const text = keys[key]
    const value = typeof text === 'string' ? read(text) : undefined
    if (value === undefined) report([...at, key], typeof text === 'number' ? `${form}, in quotes` : form)
    return value === undefined ? [] : [[key, value] as const]
  })
  return entries.length < given.length || given.length === 0 ? undefined : Object.fromEntries(entries)
}

function zoneOf(data: unknown, at: Path, report: Report, fallback: TimeZone): TimeZone | undefined {
  if (data === undefined) return fallback
  const zone = typeof data === 'string' ? timeZoneNamed(data) : undefined
  if (zone === undefined) {
    const hint = typeof data === 'string' ? timeZoneHint(data) : ''
    report(at, `must be an IANA time zone such as Europe/Berlin${hint}`)
  }
  return zone
}

function reportOthers(data: Keys, known: readonly string[], at: Path, report: Report): void {
  for (const key of Object.keys(data).filter((each) => !known.includes(each)))
    report([...at, key], `unknown key "${key}"${suggestion(key, known)}`)
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}
