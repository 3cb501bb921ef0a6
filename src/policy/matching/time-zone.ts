/**
 * Local time in an IANA time zone, summer time included.
 *
 * Asking the runtime for it costs more than a whole decision, so each zone keeps its last answer for the
 * minute that it holds: offsets change between minutes only.
 *
 * @module
 */
import { editsBetween } from '../suggestion.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export class TimeZone {
  readonly name: string
  readonly #format: Intl.DateTimeFormat
  #latest = { minute: Number.NaN, offset: 0 }

  /** @throws {RangeError} for a name that is no time zone's */
  constructor(name: string) {
    this.name = name
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'iso8601',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  }

  /** What the clocks on the wall show, as if it were UTC: epoch milliseconds plus the offset. */
  localTime(instant: number): number {
    const minute = Math.floor(instant / MINUTE_MS)
    if (minute !== this.#latest.minute) this.#latest = { minute, offset: this.#offsetAt(minute * MINUTE_MS) }
    return instant + this.#latest.offset
  }

  /**
   * The instant at which the clocks show this. What they show twice, at the end of summer time, is taken the
   * first time; what they skip is as much later as they skip.
   */
  instantOf(local: number): number {
    const before = this.#offsetAt(local - 24 * HOUR_MS)
    const after = this.#offsetAt(local + 24 * HOUR_MS)
    const [early, late] = [local - Math.max(before, after), local - Math.min(before, after)]
    if (early + this.#offsetAt(early) === local) return early
    return late + this.#offsetAt(late) === local ? late : local - before
  }

  #offsetAt(instant: number): number {
    const parts = Object.fromEntries(
      this.#format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]),
    )
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    // `Date.UTC` takes the first hundred years for those after 1900
    const midnight = new Date(0).setUTCFullYear(year, month - 1, day)
    return midnight + hour * HOUR_MS + minute * MINUTE_MS + second * 1000 - Math.floor(instant / 1000) * 1000
  }
}

const zones = new Map<string, TimeZone>()

/**
 * `undefined` for what is not in the IANA database. Offsets such as `+01:00` are not: they know no summer
 * time.
 */
export function timeZoneNamed(name: string): TimeZone | undefined {
  const known = zones.get(name)
  if (known !== undefined) return known
  if (!/^[A-Z][\w+\-/]*$/i.test(name)) return undefined
  try {
    const zone = new TimeZone(name)
    zones.set(name, zone)
    return zone
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

export const UTC = new TimeZone('UTC')

/** More slips than this and another place was meant. */
const MOST_SLIPS = 2

/** `; did you mean "Europe/Berlin"?`, or nothing. */
export function timeZoneHint(typed: string): string {
  const name = typed.toLowerCase().replaceAll(' ', '_')
  const near = Intl.supportedValuesOf('timeZone')
    .map((zone) => {
      const lower = zone.toLowerCase()
      const city = lower.slice(lower.lastIndexOf('/') + 1)
      return { zone, edits: city === name ? 0 : editsBetween(name, lower) }
    })
    .filter(({ edits }) => edits <= MOST_SLIPS)
    .toSorted((a, b) => a.edits - b.edits)[0]
  return near === undefined ? '' : `; did you mean "${near.zone}"?`
}
