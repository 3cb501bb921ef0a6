import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { routeProblems } from '../problems.fixture.ts'
import { parseDuration } from './duration.ts'

describe('a duration', () => {
  for (const [text, ms] of [
    ['0', 0],
    ['0s', 0],
    ['30s', 30_000],
    ['1m30s', 90_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['2000us', 2],
    ['1h1m1s1ms', 3_661_001],
  ] as const) {
    it(`"${text}" is ${ms} ms`, () => assert.equal(parseDuration(text), ms))
  }

  for (const [text, wrong] of [
    ['30', '"30" is not a duration; write it as "30s", "1m30s", "500ms" or "0s"'],
    ['', '"" is not a duration; write it as "30s", "1m30s", "500ms" or "0s"'],
    ['3 s', '"3 s" is not a duration; write it as "30s", "1m30s", "500ms" or "0s"'],
    ['1d', '"1d" is not a duration; write it as "30s", "1m30s", "500ms" or "0s"'],
    ['-1s', 'must not be negative'],
    ['5ns', '"5ns" is shorter than a millisecond'],
    ['9999999h', '"9999999h" is longer than a hundred years'],
    ['1s;', '"1s;" is not a duration; write it as "30s", "1m30s", "500ms" or "0s"'],
  ] as const) {
    it(`"${text}" is refused in words`, () => assert.deepEqual(parseDuration(text), { wrong }))
  }

  it('that is a bare number is refused with the two units it may have meant', () => {
    assert.deepEqual(routeProblems('timeout: 30'), [
      'timeout: needs a unit: write "30s" for seconds or "30ms" for milliseconds',
    ])
  })
})
