import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { momentOf, timeOfDayOf, weekdaysOf } from './time-forms.ts'
import { timeZoneNamed, UTC } from './time-zone.ts'

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Apia',
]
const instant = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2060, 0) })

describe('a time zone', () => {
  it('is known by its IANA name, and by nothing else', () => {
    for (const name of [...ZONES, 'europe/berlin', 'Etc/GMT+1']) assert.ok(timeZoneNamed(name), name)
    for (const name of ['Berlin', '+01:00', 'GMT+1', 'CETX', '', 'Local', '../UTC', 'UTC\n'])
      assert.equal(timeZoneNamed(name), undefined, name)
  })

  it('shows what the clocks show, to the millisecond', () => {
    const berlin = timeZoneNamed('Europe/Berlin')
    assert.equal(
      berlin?.localTime(Date.UTC(2030, 2, 31, 0, 59, 59, 999)),
      Date.UTC(2030, 2, 31, 1, 59, 59, 999),
    )
    assert.equal(berlin?.localTime(Date.UTC(2030, 2, 31, 1, 0, 0, 0)), Date.UTC(2030, 2, 31, 3, 0, 0, 0))
  })

  it('does not remember wrongly, in whatever order it is asked', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), fc.array(instant, { maxLength: 6 }), (name, instants) => {
        const zone = timeZoneNamed(name)
        assert.ok(zone)
        for (const each of instants) {
          const alone = new Date(each).toLocaleString('sv-SE', { timeZone: name })
          assert.equal(new Date(zone.localTime(each)).toISOString().slice(0, 19).replace('T', ' '), alone)
        }
      }),
    )
  })

  it('finds the instant at which the clocks show a time', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), instant, (name, each) => {
        const zone = timeZoneNamed(name)
        assert.ok(zone)
        const local = zone.localTime(each)
        const found = zone.instantOf(local)
        assert.equal(zone.localTime(found), local)
        assert.ok(found <= each, 'the first of two')
      }),
    )
  })
})

const at = (text: string) => momentOf(text, UTC)

describe('a moment in ISO 8601', () => {
  it('is read in its usual forms', () => {
    const moment = Date.UTC(2030, 0, 2, 3, 4, 5)
    for (const text of [
      '2030-01-02T03:04:05',
      '2030-01-02T03:04:05Z',
      '2030-01-02t03:04:05z',
      '2030-01-02 03:04:05',
      '2030-01-02T04:04:05+01:00',
      '2030-01-01T22:04:05-0500',
      '2030-01-02T04:04:05+01',
    ])
      assert.equal(at(text), moment, text)
    assert.equal(at('2030-01-02T03:04:05.25Z'), moment + 250)
    assert.equal(at('2030-01-02T03:04'), moment - 5000)
    assert.equal(at('2030-01-02'), Date.UTC(2030, 0, 2))
    assert.equal(at('2028-02-29'), Date.UTC(2028, 1, 29))
    assert.equal(at('0001-01-01T00:00:00'), Date.parse('0001-01-01T00:00:00Z'))
    assert.equal(at('9999-12-31'), Date.UTC(9999, 11, 31))
  })

  it('is nothing else', () => {
    for (const text of [
      '2030-02-29',
      '2030-13-01',
      '2030-00-10',
      '2030-01-00',
      '2030-1-2',
      '30-01-02',
      '2030-W01-1',
      '2030-01-02T24:00',
      '2030-01-02T10',
      '2030-01-02T10:60',
      '2030-01-02T10:00:60',
      '2030-01-02T10:00+25:00',
      '2030-01-02T10:00 Z',
      '2030/01/02',
      'tomorrow',
      '',
    ])
      assert.equal(at(text), undefined, text)
  })
})

describe('a time of day', () => {
  it('is read in its usual forms', () => {
    const hour = 3_600_000
    for (const [text, hours] of [
      ['15:04', 15 + 4 / 60],
      ['0:00', 0],
      ['00:00:36', 0.01],
      ['3 PM', 15],
      ['3PM', 15],
      ['3:00 pm', 15],
      ['3:00:00 P.M.', 15],
      ['12 AM', 0],
      ['12:30 am', 0.5],
      ['12 pm', 12],
    ] as const)
      assert.equal(timeOfDayOf(text), Math.round(hours * hour), text)
  })

  it('is nothing else', () => {
    for (const text of [
      '15',
      '24:00',
      '3:4',
      '13 PM',
      '0 AM',
      '1:60',
      '1:00:60',
      '3 XM',
      '-1:00',
      '',
      'noon',
    ])
      assert.equal(timeOfDayOf(text), undefined, text)
  })
})

describe('days of the week', () => {
  it('are all but what can’t be read', () => {
    for (const text of [
      'mo',
      'mon-',
      '-fri',
      'mon--fri',
      'mon-tue-wed',
      ',',
      'mon,',
      'monda y',
      '* mon',
      '1-5',
    ])
      assert.ok('unreadable' in weekdaysOf(text), text)
  })

  it('are one when a range begins where it ends', () => {
    assert.deepEqual(weekdaysOf('mon-mon'), new Set([1]))
  })
})
