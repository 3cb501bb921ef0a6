import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  array,
  assert as assertProperty,
  constant,
  constantFrom,
  integer,
  oneof,
  property,
  record,
} from 'fast-check'
import { BoundedMap } from './bounded-map.ts'

describe('a bounded map', () => {
  it('forgets the entry that was set longest ago, once there are too many', () => {
    const map = new BoundedMap<string, number>(2)
    map.set('a', 1).set('b', 2).set('c', 3)
    assert.deepEqual(
      [...map],
      [
        ['b', 2],
        ['c', 3],
      ],
    )
  })

  it('takes an entry that is set again for a young one, and one that is read for no younger', () => {
    const map = new BoundedMap<string, number>(2)
    map.set('a', 1).set('b', 2).set('a', 3)
    assert.equal(map.get('b'), 2)
    map.set('c', 4)
    assert.deepEqual([...map.keys()], ['a', 'c'])
  })

  it('tells what it has forgotten, and not what was deleted, set anew or cleared', () => {
    const forgotten: [string, number][] = []
    const map = new BoundedMap<string, number>(2, (key, value) => forgotten.push([key, value]))
    map.set('a', 1).set('a', 2).set('b', 3).set('c', 4)
    map.delete('b')
    map.clear()
    assert.deepEqual(forgotten, [['a', 2]])
  })

  it('keeps nothing when it may keep nothing', () => {
    const map = new BoundedMap<string, number>(0)
    assert.equal(map.set('a', 1).size, 0)
  })

  it('forgets for other reasons than number, until there is nothing left', () => {
    const map = new BoundedMap<string, undefined>(9)
    for (const key of ['a', 'b', 'c']) map.set(key, undefined)
    map.forgetWhile(() => map.size > 1)
    assert.deepEqual([...map.keys()], ['c'])
    map.forgetWhile(() => true)
    assert.equal(map.size, 0)
  })

  it('does whatever a list of pairs does that is kept in order, whatever is asked of it', () => {
    const key = integer({ min: 0, max: 12 })
    const asks = array(
      oneof(
        { weight: 8, arbitrary: record({ ask: constant('set' as const), key }) },
        { weight: 2, arbitrary: record({ ask: constant('delete' as const), key }) },
        {
          weight: 1,
          arbitrary: record({ ask: constantFrom('forget' as const, 'clear' as const), key }),
        },
      ),
      { maxLength: 200 },
    )
    assertProperty(
      property(asks, integer({ min: 0, max: 8 }), (all, most) => {
        const forgotten: number[] = []
        const map = new BoundedMap<number, number>(most, (each) => forgotten.push(each))
        let list: [number, number][] = []
        const wanted: number[] = []
        for (const [at, { ask, key: each }] of all.entries()) {
          if (ask === 'set' || ask === 'delete') list = list.filter(([known]) => known !== each)
          if (ask === 'set') list.push([each, at])
          if (ask === 'set') map.set(each, at)
          if (ask === 'delete') map.delete(each)
          if (ask === 'clear') map.clear()
          if (ask === 'clear') list = []
          if (ask === 'forget') map.forgetWhile(() => map.size === list.length)
          if (list.length > most || ask === 'forget')
            wanted.push(...list.splice(0, 1).map(([known]) => known))
          assert.deepEqual([...map], list)
          assert.deepEqual(forgotten, wanted)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('keeps no former tables in memory, once it has been full', () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const map = new BoundedMap<number, number>(1000)
    for (let key = 0; key <= 1000; key++) map.set(key, key)
    collect()
    const before = process.memoryUsage().heapUsed
    for (let round = 0; round < 600; round++) for (let key = 2; key < 900; key++) map.set(key, round)
    collect()
    const grown = process.memoryUsage().heapUsed - before
    assert.ok(grown < 10_000_000, `${grown} bytes`)
    assert.equal(map.size, 1000)
  })
})
