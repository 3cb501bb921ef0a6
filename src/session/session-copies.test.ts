import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Session } from './session.ts'
import { SessionCopies } from './session-copies.ts'
import { newSession } from './store-under-test.fixture.ts'

const sessionOf = (id: string, version: number): Session => ({ ...newSession(), id, version })

describe('copies of sessions', () => {
  it('are of so many at most: the one that was read or written longest ago goes first', () => {
    const copies = new SessionCopies(2)
    const put = (id: string, version: number) => copies.arrived(copies.expect(id), sessionOf(id, version))
    put('a', 1)
    put('b', 2)
    put('a', 3)
    put('c', 4)
    assert.deepEqual(
      ['a', 'b', 'c'].map((id) => copies.get(id)?.version),
      [3, undefined, 4],
    )
  })

  it('are not of what was dropped while it was read', () => {
    const copies = new SessionCopies(2)
    const expected = copies.expect('a')
    copies.drop('a')
    copies.arrived(expected, sessionOf('a', 1))
    assert.equal(copies.get('a'), undefined)
  })
})
