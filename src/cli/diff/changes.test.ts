import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooserOf } from '../../access/config-checks.ts'
import { positionsIn } from '../../config/file/positions.ts'
import { parseConfig } from '../../config/parse.ts'
import { type LoggedDecision, readLogLine } from '../replay/log-lines.ts'
import { replay } from '../replay/replay.ts'
import { Changes, type Side } from './changes.ts'
import { markdownReport, textReport } from './report.ts'

const TEXT = `routes:
  - name: app
    from: https://app.example.com
    prefix: /a
    to: http://a
    policy:
      - allow: { and: [{ source_ip: 10.0.0.0/8 }] }
      - deny: { or: [{ http_method: DELETE }] }
        mode: observe
`

function decision(change: object): LoggedDecision {
  const line = readLogLine(
    JSON.stringify({
      time: '2026-03-02T09:00:00Z',
      method: 'GET',
      host: 'app.example.com',
      path: '/a/1',
      ip: '10.0.0.1',
      outcome: 'allow',
      msg: 'authorize check',
      ...change,
    }),
  )
  assert.ok(typeof line === 'object' && line.kind === 'decision')
  return line
}

function changesOf(...decisions: readonly object[]): Changes {
  const parsed = parseConfig(TEXT)
  assert.ok('config' in parsed, JSON.stringify(parsed))
  const { config } = parsed
  const changes = new Changes({ config, positions: positionsIn(config, TEXT) })
  const choose = chooserOf(config)
  for (const logged of decisions.map(decision)) {
    const before: Side = { outcome: logged.outcome, reasons: logged.reasons }
    changes.add(logged, before, replay(config, choose, logged, undefined))
  }
  return changes
}

const OUTSIDE = { ip: '192.0.2.1' }

describe('the changes of a log', () => {
  it('are gathered by who, where and why, with what their paths have in common', () => {
    const { list } = changesOf(
      { ...OUTSIDE, path: '/a/x/1' },
      { ...OUTSIDE, path: '/a/x/22' },
      { ...OUTSIDE, path: '/a/x/22' },
      { ...OUTSIDE, method: 'POST' },
      { outcome: 'deny', 'allow-why-false': ['groups-unauthorized'] },
    )
    assert.deepEqual(
      list.map(({ kind, method, url, count, rules }) => [kind, method, url, count, rules]),
      [
        ['lose', 'GET', 'https://app.example.com/a/x/*', 3, ['line 7 source_ip']],
        ['lose', 'POST', 'https://app.example.com/a/1', 1, ['line 7 source_ip']],
        ['gain', 'GET', 'https://app.example.com/a/1', 1, ['line 7 source_ip']],
      ],
    )
  })

  it('are losses where no route answers any more', () => {
    const [change] = changesOf({ path: '/elsewhere' }).list
    assert.deepEqual([change?.kind, change?.after.outcome, change?.route], ['lose', 'not-found', undefined])
  })

  it('are of another kind where somebody stays out, and where a rule is only watched', () => {
    const { list, summary } = changesOf({ ...OUTSIDE, outcome: 'sign-in' }, { method: 'DELETE' })
    assert.deepEqual(
      list.map(({ kind, before, after }) => [kind, before.outcome, after.outcome]),
      [
        ['observed', 'allow', 'deny'],
        ['other', 'sign-in', 'deny'],
      ],
    )
    assert.deepEqual(summary.counts, { lose: 0, gain: 0, unknown: 0, observed: 1, other: 1 })
  })

  it('say what the log does not have', () => {
    const changes = changesOf({ ip: '' })
    assert.match(
      textReport(changes.list, changes.summary),
      /cannot be told .* the log does not have the address/,
    )
  })

  it('can be a comment that nothing in a request can break', () => {
    const changes = changesOf({ ...OUTSIDE, email: '<img src=x>|`@all`[x](y)', path: '/a/|<b>' })
    const [, , row = ''] = markdownReport(changes.list, changes.summary).split('\n')
    assert.equal(row.split('|').length, 8)
    assert.doesNotMatch(row, /[<>`@[\]]/)
  })
})
