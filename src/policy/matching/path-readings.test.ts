import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { pathMatcher } from './path-matcher.ts'
import { type PathReadings, readingsOf, unescapePath } from './path-readings.ts'

/** Servers as they read a path, each step written down anew; the product has no list of servers. */
const cut = (path: string) => path.replaceAll(/;[^/]*/g, '')
const decode = (path: string) =>
  path.replaceAll(/%([2-7][0-9a-f])/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
const join = (path: string) => path.replaceAll(/\/+/g, '/')
const back = (path: string) => path.replaceAll('\\', '/')
const dots = (path: string) =>
  new URL(`http://x${path.replaceAll('?', '%3F').replaceAll('#', '%23')}`).pathname
const SERVERS: Readonly<Record<string, (path: string) => string>> = {
  'Tomcat, Jetty': (path) => dots(join(decode(cut(path)))),
  'parameters after escapes': (path) => dots(join(cut(decode(path)))),
  Flask: (path) => join(decode(path)),
  Django: decode,
  Node: (path) => path,
  'a proxy that resolves dots, before Tomcat': (path) => dots(join(decode(cut(decode(dots(path)))))),
  'a server that takes backslashes': (path) => dots(join(back(decode(path)))),
  'twice unescaped': (path) => decode(decode(path)),
  'a query looked for after escapes': (path) => decode(path).replace(/[?#].*/s, ''),
}

const PIECES =
  '/ / / admin public x ; ;x=1 .. . %2e %2f %3b %61 %5c %252f %252e %2561 dmin \\ %40 @ %3f %2523'.split(' ')
const piece = fc.constantFrom(...PIECES)
const path = fc.array(piece, { maxLength: 9 }).map((pieces) => `/${pieces.join('')}`)

const all = ({ asWritten, unescaped }: PathReadings) => [...asWritten, ...unescaped]

const escaped = (text: string) => text.replaceAll(/./g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)

describe('the readings of a path', () => {
  it('are one for a plain path', () => {
    for (const plain of ['/', '/a/b.c', '/a%C3%A9', '*', '', '/.well-known/x', '/a..b', '/a?b'.slice(0, 2)])
      assert.deepEqual(readingsOf(plain), { asWritten: [plain], unescaped: [plain] })
  })

  it('settle a rule only when every server would settle it so', () => {
    const rules = [{ starts_with: '/admin/' }, { is: '/admin' }, { not: '/admin/x' }, { contains: '/admin/' }]
    fc.assert(
      fc.property(path, fc.constantFrom(...rules), (asked, rule) => {
        const truth = pathMatcher(rule)(asked, false)
        if (truth === 'unknown') return
        for (const [name, read] of Object.entries(SERVERS)) {
          const seen = pathMatcher(rule)(read(asked), true)
          assert.equal(seen, truth, `${asked} is ${read(asked)} to ${name}`)
        }
      }),
      { numRuns: 5000 },
    )
  })

  it('include that of a server that cuts off parameters before it undoes escapes', () => {
    assert.ok(readingsOf('/%61dmin;x%2fy/users')?.unescaped.includes('/admin/users'))
  })

  it('are few for an honest path, however odd', () => {
    for (const odd of [
      '/a;v=1/b@c/%40;x=2/',
      '/@scope%2Fname',
      '/a//b/',
      '/group%2Fproject%2Fx;y',
      '/a%20b%7Cc',
    ])
      assert.ok(all(readingsOf(odd) ?? { asWritten: [], unescaped: [] }).length <= 8, odd)
  })

  it('are not looked at where there are too many, or too long ones', () => {
    const nested = Array.from({ length: 5 }).reduce((text: string) => escaped(text), 'a')
    for (const wild of [`/${nested}`, `/;${'x'.repeat(8192)}`]) {
      assert.equal(readingsOf(wild), undefined)
      assert.equal(pathMatcher({ starts_with: '/' })(wild, false), 'unknown')
      assert.equal(pathMatcher({ not: '/admin' })(wild, false), 'unknown')
    }
    assert.equal(unescapePath(`/${nested}`), undefined)
  })

  it('are one where the route says so', () => {
    assert.equal(pathMatcher({ starts_with: '/admin/' })('/admin;x/y', true), 'miss')
    assert.equal(pathMatcher({ starts_with: '/a;v=1/' })('/a;v=1/y', true), 'hit')
    assert.equal(pathMatcher({ is: '/a' })('/a/', true), 'miss')
  })

  it('are told in time, whatever a stranger sends', () => {
    const matches = pathMatcher({ not_in: ['/admin', '/a%2Fb'] })
    for (const unit of [
      '/',
      '%25',
      '%2525',
      ';',
      '/;',
      '/..',
      '/.;',
      '%2e',
      '\\',
      '/a;',
      '%2f..',
      '%',
      ';/',
      '//..;',
      '%20',
      '/%20',
      '%2520',
      '%u0020',
    ]) {
      const wild = `/${unit.repeat(48_000)}`.slice(0, 8192)
      const before = process.threadCpuUsage().user
      matches(wild, false)
      matches(`${wild}${wild}`, false)
      const took = (process.threadCpuUsage().user - before) / 1000
      // What is looked for grows with the square of the length, and takes seconds.
      assert.ok(took < 1000, `${unit}: ${took} ms`)
    }
  })
})
