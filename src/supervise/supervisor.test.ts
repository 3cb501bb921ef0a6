import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Access, Verdict } from '../access/access.ts'
import { Fault } from '../errors.ts'
import type { Judge } from './judge.ts'
import { type LiveStream, type StreamEnd, Streams } from './streams.ts'
import { Supervisor } from './supervisor.ts'

const DECISION = { allow: [], deny: [] } as unknown as Extract<Verdict, { decision: unknown }>['decision']
const verdictOf = (outcome: 'allow' | 'deny' | 'sign-in' | 'step-up'): Verdict => ({
  outcome,
  decision: DECISION,
})

const away = () => Promise.reject(new Fault('STORE_UNAVAILABLE', 'it is away'))

/** Streams whose verdicts a test sets, on a clock of its own. */
class Bench implements Disposable {
  readonly streams = new Streams()
  readonly cuts = new Map<string, StreamEnd>()
  readonly lines: object[] = []
  now = 1_000_000
  judged = 0
  judge: Judge = () => this.verdict(verdictOf('allow'))
  readonly supervisor = new Supervisor({
    streams: this.streams,
    judge: (permitted) => {
      this.judged += 1
      return this.judge(permitted)
    },
    now: () => this.now,
    logger: { info: (fields: object) => this.lines.push(fields), error: () => undefined } as never,
    onEnd: () => undefined,
  })

  verdict(verdict: Verdict, goodUntil = Infinity) {
    return { verdict, access: {} as Access, goodUntil }
  }

  open(id: string, holder = id): LiveStream {
    const stream: LiveStream = {
      decisionId: id,
      permit: { routeId: 'r', host: 'app.example.com', sessionIds: [holder], serviceAccountIds: [] },
      facts: undefined,
      openedAt: this.now,
      goodUntil: Infinity,
      inDoubtSince: undefined,
      release: () => this.streams.delete(stream),
      cut: (end) => {
        this.cuts.set(id, end)
        this.streams.delete(stream)
      },
    }
    this.streams.add(stream)
    return stream
  }

  async settled(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await nextTurn()
  }

  [Symbol.dispose](): void {
    this.supervisor[Symbol.dispose]()
  }
}

describe('open streams', () => {
  it('are judged again when their session changes, and those of others are not', async () => {
    using bench = new Bench()
    for (const id of ['a', 'b']) bench.open(id)
    bench.judge = () => bench.verdict(verdictOf('sign-in'))
    bench.supervisor.changed('a')
    await bench.settled()
    assert.deepEqual([...bench.cuts], [['a', { status: 401, reason: 'signed out' }]])
    assert.deepEqual(bench.lines[0], {
      'request-id': 'a',
      'route-id': 'r',
      'session-id': 'a',
      reason: 'signed out',
    })
  })

  for (const [what, judge, status] of [
    ['a policy denies', () => verdictOf('deny'), 403],
    ['a sign-in is too old', () => verdictOf('step-up'), 401],
    ['somebody was deactivated', () => ({ outcome: 'refuse', reason: 'account-deactivated' }) as const, 403],
    ['a token has ended', () => ({ outcome: 'refuse', reason: 'invalid-token' }) as const, 401],
  ] as const)
    it(`end when ${what}`, async () => {
      using bench = new Bench()
      bench.open('a')
      bench.judge = () => bench.verdict(judge())
      bench.supervisor.allChanged()
      await bench.settled()
      assert.equal(bench.cuts.get('a')?.status, status)
    })

  it('end when their route is gone, and when judging them is a bug', async () => {
    using bench = new Bench()
    for (const [id, judge] of [
      ['a', () => 'route gone' as const],
      ['n', () => 'not known' as const],
      ['b', () => assert.fail('a bug')],
      ['c', () => Promise.reject(new TypeError('a late bug'))],
    ] as const) {
      bench.open(id)
      bench.judge = judge
      bench.supervisor.changed(id)
      await bench.settled()
      assert.ok(bench.cuts.has(id), id)
    }
  })

  it('go on for a minute while a store is away, and no longer', async () => {
    using bench = new Bench()
    const stream = bench.open('a')
    bench.judge = away
    for (const after of [0, 1000, 59_999]) {
      bench.now = 1_000_000 + after
      assert.equal(await bench.supervisor.judge(stream), undefined)
      assert.equal(stream.goodUntil, bench.now + 1000)
    }
    bench.now = 1_060_000
    assert.equal((await bench.supervisor.judge(stream))?.status, 503)
  })

  it('have another minute once the store has answered', async () => {
    using bench = new Bench()
    const stream = bench.open('a')
    bench.judge = away
    await bench.supervisor.judge(stream)
    bench.now += 50_000
    bench.judge = () => bench.verdict(verdictOf('allow'))
    assert.equal(await bench.supervisor.judge(stream), undefined)
    bench.judge = away
    bench.now += 50_000
    assert.equal(await bench.supervisor.judge(stream), undefined)
  })

  it('are judged when their time has come, and not before', async () => {
    mock.timers.enable({ apis: ['setInterval'] })
    try {
      using bench = new Bench()
      const stream = bench.open('a')
      stream.goodUntil = bench.now + 500
      mock.timers.tick(400)
      assert.equal(bench.judged, 0)
      bench.now += 500
      mock.timers.tick(200)
      await bench.settled()
      assert.equal(bench.judged, 1)
    } finally {
      mock.timers.reset()
    }
  })

  it('are looked at again when the clock has gone back: what was worked out before it is too late', async () => {
    mock.timers.enable({ apis: ['setInterval'] })
    try {
      using bench = new Bench()
      const stream = bench.open('a')
      stream.goodUntil = bench.now + 1000
      mock.timers.tick(200)
      bench.now -= 3_600_000
      mock.timers.tick(200)
      mock.timers.tick(200)
      await bench.settled()
      assert.equal(bench.judged, 1)
    } finally {
      mock.timers.reset()
    }
  })

  it('are judged once more when something changes while somebody is being asked, and the last word counts', async () => {
    using bench = new Bench()
    const stream = bench.open('a')
    const answers: ((isAllowed: boolean) => void)[] = []
    bench.judge = () =>
      new Promise((resolve) => {
        answers.push((isAllowed) =>
          resolve(bench.verdict(verdictOf(isAllowed ? 'allow' : 'deny'), isAllowed ? Infinity : 0)),
        )
      })
    for (let n = 0; n < 3; n += 1) {
      bench.supervisor.changed('a')
      await bench.settled()
    }
    assert.equal(answers.length, 1)
    answers[0]?.(true)
    await bench.settled()
    assert.equal(answers.length, 2)
    assert.ok(bench.streams.has(stream))
    answers[1]?.(false)
    await bench.settled()
    assert.equal(bench.cuts.get('a')?.status, 403)
    assert.equal(answers.length, 2)
  })

  it('are in doubt when a store does not answer, and one at a time waits for it', async () => {
    mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
    try {
      using bench = new Bench()
      const stream = bench.open('a')
      bench.judge = () => new Promise(() => undefined)
      let isJudged = false
      const begun = bench.supervisor.judge(stream).then((end) => {
        isJudged = true
        return end
      })
      for (let ms = 0; ms < 4800; ms += 200) {
        bench.now += 200
        mock.timers.tick(200)
        bench.supervisor.allChanged()
        await bench.settled()
      }
      assert.deepEqual([bench.judged, isJudged], [1, false])
      mock.timers.tick(200)
      await bench.settled()
      assert.ok(isJudged)
      assert.equal(await begun, undefined)
      assert.equal(stream.goodUntil, bench.now + 1000)
      for (let ms = 0; ms < 70_000; ms += 200) {
        bench.now += 200
        mock.timers.tick(200)
        await bench.settled()
      }
      assert.equal(bench.cuts.get('a')?.status, 503)
      assert.ok(bench.judged < 15, `${bench.judged} wait`)
    } finally {
      mock.timers.reset()
    }
  })

  it('of thousands are judged in turns, each once for several changes at a time', async () => {
    using bench = new Bench()
    for (let n = 0; n < 3000; n += 1) bench.open(`${n}`, `holder ${n % 7}`)
    bench.supervisor.allChanged()
    bench.supervisor.allChanged()
    bench.supervisor.changed('holder 1')
    while (bench.judged < 3000) await nextTurn()
    await bench.settled()
    assert.equal(bench.judged, 3000)
  })
})
