import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { makeReference } from '../edge/session-reference.ts'
import { cookieSplitter } from './cookies.ts'

const split = cookieSplitter('_pomerium')
const flow = (name: string) => `__Host-sallyport_flow=${name}`

describe('splitting a Cookie header', () => {
  it('takes ours out and leaves the others byte by byte, wherever ours stood', () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9_$-]{1,12}$/).filter((text) => text !== '_pomerium')
    const value = fc.stringMatching(/^[!#-+\--:<-~\x80-\xff]{0,20}$/)
    const other = fc.tuple(name, value).map(([key, text]) => `${key}=${text}`)
    const our = fc.constantFrom(
      '_pomerium=v1.x.y',
      '_pomerium=',
      '__Host-_pomerium=z',
      '__HOST-_POMERIUM=z',
      flow('A'),
      '__Host-sallyport_login=zz',
    )
    fc.assert(
      fc.property(
        fc.array(other, { maxLength: 6 }),
        fc.array(fc.tuple(our, fc.nat()), { minLength: 1, maxLength: 3 }),
        (others, ours) => {
          const mixed: string[] = [...others]
          for (const [cookie, at] of ours) mixed.splice(at % (mixed.length + 1), 0, cookie)
          assert.equal(split(mixed.join('; ')).rest, others.length === 0 ? undefined : others.join('; '))
        },
      ),
    )
  })

  it('does not touch a header that has none of ours', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (header) => {
        fc.pre(!/_pomerium|__host-sallyport_|v1\./i.test(header))
        const { rest, isChanged } = split(header)
        assert.deepEqual([rest, isChanged], [header, false])
      }),
    )
  })

  it('never leaves a cookie of ours behind', () => {
    const piece = fc.constantFrom(
      '_pomerium',
      '__Host-sallyport_flow',
      '=',
      ';',
      ',',
      ' ',
      'a',
      '"',
      '\t',
      'x=1',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const { rest = '' } = split(pieces.join(''))
        for (const pair of rest.split(/[;,]/)) {
          const at = pair.indexOf('=')
          if (at !== -1)
            assert.ok(!['_pomerium', '__Host-sallyport_flow'].includes(pair.slice(0, at).trim()), rest)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('finds every session value once, in order, quotes taken off', () => {
    const { sessions } = split('_pomerium=a; x=1; _pomerium="b"; _pomerium=a; __Host-_pomerium=c')
    assert.deepEqual(
      [...sessions],
      [
        ['_pomerium', ['a', 'b']],
        ['__Host-_pomerium', ['c']],
      ],
    )
  })

  it('does not take a cookie whose name only ends or begins like ours', () => {
    const header = 'my_pomerium=1; _pomerium2=2; x_pomerium=3; _pomerium_csrf=4'
    const { rest, isChanged, sessions } = split(header)
    assert.deepEqual([rest, isChanged], [header, false])
    assert.deepEqual([...sessions.values()], [[], []])
  })

  it('counts two flow cookies as none', () => {
    assert.equal(split(flow('a')).flow, 'a')
    assert.equal(split(`${flow('a')}; ${flow('b')}`).flow, undefined)
  })

  it('takes a configured name literally', () => {
    assert.deepEqual(cookieSplitter('s.+')('sxx=1; s.+=2').sessions.get('s.+'), ['2'])
  })

  it('takes no flow from behind a comma, where a neighbour on the domain could put one', () => {
    const found = split('theme=x,__Host-sallyport_flow=known; a=1')
    assert.deepEqual([found.flow, found.rest], [undefined, 'theme=x; a=1'])
  })

  it('takes out whatever has the form of a reference, under an older name too', () => {
    const scope = { audience: 'app.example.com', cookieName: '_old' }
    const reference = makeReference({ sessionId: 'alice', ...scope }, Buffer.alloc(32))
    for (const ours of [
      `_old=${reference}`,
      `_old="${reference}"`,
      `=_old=${reference}`,
      `=${reference}; x=${reference}`,
    ])
      assert.ok(!split(`a=1; ${ours}; b=v1.2`).rest?.includes(reference), ours)
    assert.equal(split(`a=1; _old=${reference}; b=v1.2`).rest, 'a=1; b=v1.2')
  })

  it('takes out what only looks like ours to some, and reads none of it', () => {
    for (const name of [
      '__HOST-_POMERIUM',
      '__host-_pomerium',
      '_POMERIUM',
      'x=1,__Host-_pomerium',
      '=__Host-_pomerium',
    ]) {
      const { rest, sessions } = split(`a=1; ${name}=planted; b=2`)
      assert.ok(!rest?.includes('planted'), name)
      assert.deepEqual([...sessions.values()], [[], []], name)
    }
    for (const name of [
      '\u00a0__Host-_pomerium',
      '\u0085__Host-_pomerium',
      '$Version=1;\u000b__Host-_pomerium',
    ])
      assert.deepEqual([...split(`${name}=planted`).sessions.values()], [[], []], name)
  })

  it('takes time that grows with the header, and no faster', () => {
    for (const dear of [
      ' ',
      '=',
      ',',
      ';',
      '; ',
      '"',
      '\t',
      '_pomerium',
      '_pomerium=',
      'v1.',
      '; _pomerium="',
    ]) {
      // Of this thread alone, and the least of some tries: the collector may have its turn in any one.
      const timeOf = (length: number) => {
        const header = `${dear.repeat(length / dear.length)}_pomerium=x`
        split(header)
        const tries = Array.from({ length: 5 }, () => {
          const from = process.threadCpuUsage().user
          split(header)
          return process.threadCpuUsage().user - from
        })
        return Math.min(...tries)
      }
      assert.ok(timeOf(256_000) < 48 * Math.max(timeOf(16_000), 1000), JSON.stringify(dear))
    }
  })
})
