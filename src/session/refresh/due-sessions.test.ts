import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Due, DuePage } from '../store.ts'
import { DueSessions } from './due-sessions.ts'

/** A list that is due as a whole, in the order of its times. */
function listOf(count: number) {
  const all = Array.from({ length: count }, (_, at): Due => ({ id: `s${at}`, idpId: 'idp', version: 1, at }))
  const pages: DuePage[] = []
  const due = new DueSessions((page) => {
    pages.push(page)
    const from = page.after === undefined ? 0 : page.after.at + 1
    return Promise.resolve(all.slice(from, from + page.limit))
  })
  let rounds = 0
  const next = (wants: (entry: Due) => boolean, most = 256) =>
    due.next({ before: 1e9, most, wants, onRound: () => (rounds += 1) })
  return { pages, next, rounds: () => rounds }
}

const ALL = () => true
const isLast = ({ id }: Due) => id === 's4999'
const ids = (found: readonly Due[]) => found.map(({ id }) => id)

describe('the sessions that are due', () => {
  it('are picked from where the last look ended, and from the beginning after the last', async () => {
    const { next, rounds } = listOf(5)
    assert.deepEqual(ids(await next(ALL, 3)), ['s0', 's1', 's2'])
    assert.deepEqual(ids(await next(ALL, 3)), ['s3', 's4'])
    assert.equal(rounds(), 1)
    assert.deepEqual(ids(await next(ALL, 3)), ['s0', 's1', 's2'])
  })

  it('that wait do not stand before the others for ever, nor cost a look at all of them', async () => {
    const { pages, next } = listOf(5000)
    const found: string[] = []
    let ticks = 0
    while (found.length === 0 && ticks < 10) {
      ticks += 1
      const before = pages.length
      found.push(...ids(await next(isLast)))
      assert.ok(pages.length - before <= 8, 'pages in one tick')
    }
    assert.deepEqual([found, ticks], [['s4999'], 3])
  })
})
