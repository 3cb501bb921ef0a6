import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { cookieSplitter } from './cookies.ts'

const split = cookieSplitter('_pomerium')
const flow = (name: string) => `__Host-sallyport_flow=${name}`

describe('splitting a Cookie header', () => {
  it('takes ours out and leaves the others byte by byte, wherever ours stood', () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9_$-]{1,12}$/).filter((text) => text !== '_pomerium')
    const value = fc.stringMatching(/^[!#-+\--:<-~\x80-\xff]{0,20}$/)
    const other = fc.tuple(name, value).map(([key, text]) => `${key}=${text}`)
    const our = fc.constantFrom('_pomerium=v1.x.y', '_pomerium=', flow('A'), '__Host-sallyport_login=zz')
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
        fc.pre(!header.includes('_pomerium') && !header.includes('__Host-sallyport_'))
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
    assert.deepEqual(split('_pomerium=a; x=1; _pomerium="b"; _pomerium=a').sessions, ['a', 'b'])
  })

  it('does not take a cookie whose name only ends or begins like ours', () => {
    const header = 'my_pomerium=1; _pomerium2=2; x_pomerium=3; _pomerium_csrf=4'
    assert.deepEqual(split(header), { sessions: [], flow: undefined, rest: header, isChanged: false })
  })

  it('counts two flow cookies as none', () => {
    assert.equal(split(flow('a')).flow, 'a')
    assert.equal(split(`${flow('a')}; ${flow('b')}`).flow, undefined)
  })

  it('takes a configured name literally', () => {
    assert.deepEqual(cookieSplitter('s.+')('sxx=1; s.+=2').sessions, ['2'])
  })

  it('takes no flow from behind a comma, where a neighbour on the domain could put one', () => {
    const found = split('theme=x,__Host-sallyport_flow=known; a=1')
    assert.deepEqual([found.flow, found.rest], [undefined, 'theme=x; a=1'])
  })
})
