/**
 * Hosts that are written so that two readers could take them for two: none is served, and none names an
 * assertion.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { PUBLIC, STAFF_ONLY } from '../harness/stack.ts'
import { type Hit, openTarget, VERSIONS } from './target.ts'

const target = await openTarget({}, ({ upstream }) => [
  { from: 'https://pub.localhost', to: upstream.url, ...PUBLIC, pass_identity_headers: true },
  { from: 'https://shut.localhost', to: upstream.url, ...STAFF_ONLY },
  { from: 'https://*.wild.localhost', to: upstream.url, ...PUBLIC, pass_identity_headers: true },
])
after(() => target[Symbol.asyncDispose]())
const { stack, fire } = target
const { port } = stack.edge

/** What may stand behind, before or in a name that is served. */
const ODD: readonly ((name: string) => string)[] = [
  (name) => `${name}:443.evil.com`,
  (name) => `${name}:.evil.com`,
  (name) => `${name}:443:443`,
  (name) => `${name}::443`,
  (name) => `${name}:443:`,
  (name) => `${name}:`,
  (name) => `${name}:0`,
  (name) => `${name}:+443`,
  (name) => `${name}:-443`,
  (name) => `${name}:0443`,
  (name) => `${name}:65536`,
  (name) => `${name}:4294967739`,
  (name) => `${name}:443a`,
  (name) => `${name}:443%00`,
  (name) => `${name}:４４３`,
  (name) => `${name}:https`,
  (name) => `${name}:443@evil.com`,
  (name) => `${name}:443/x`,
  (name) => `${name}:443?x`,
  (name) => `${name}:443#x`,
  (name) => `${name}:443\\x`,
  (name) => `${name}:443,evil.com`,
  (name) => `${name} evil.com`,
  (name) => `${name}..`,
  (name) => `${name}..:443`,
  (name) => `.${name}`,
  (name) => `${name}%2e`,
  (name) => `a@${name}`,
  (name) => `a:b@${name}`,
  (name) => `evil.com:${name}`,
  (name) => `evil.com#${name}`,
  (name) => `[${name}]`,
  (name) => `[${name}]:443`,
  (name) => `[::1].${name}`,
  (name) => `${name}[::1]`,
  (name) => `{${name}}`,
  (name) => `"${name}"`,
  (name) => name.replace('.', '..'),
  (name) => name.replace('.', '。'),
  (name) => `xn--é.${name}`,
]
const NAMES = ['pub.localhost', 'shut.localhost', 'a.wild.localhost', `app.localhost`] as const

/** Refused as a form, and not as a stranger: nobody would be let in under such a name. */
function assertNoHost(hit: Hit, authority: string): void {
  const said = `HTTP/${hit.version} ${authority}: ${hit.status}`
  assert.equal(hit.bytes, 0, `${said} reached the app`)
  // A reset over HTTP/2 is its way to say that a pseudo-header is malformed.
  assert.ok([0, 400, 404].includes(hit.status) && (hit.version === '2' || hit.status !== 0), said)
}

describe('a host that could be read in two ways', () => {
  for (const version of VERSIONS) {
    for (const name of NAMES) {
      it(`is refused as ${name} with something odd, over HTTP/${version}`, async () => {
        for (const write of ODD) {
          const authority = write(name)
          assertNoHost(await fire({ host: 'app', path: '/x', authority }, version), authority)
        }
      })
    }

    it(`is refused on our own pages too, over HTTP/${version}`, async () => {
      for (const path of ['/.pomerium/', '/.well-known/pomerium', '/robots.txt'])
        for (const name of ['pub.localhost', 'authenticate.localhost']) {
          const authority = `${name}:443.evil.com`
          const hit = await fire({ host: 'app', path, authority }, version)
          assertNoHost(hit, authority)
          assert.ok(!hit.text.includes('evil.com'), hit.text)
        }
    })
  }

  it('is refused in an absolute target, whatever the Host header says', async () => {
    for (const authority of ['pub.localhost:443.evil.com', 'pub.localhost::443', 'pub.localhost:0'])
      assertNoHost(
        await fire(
          { host: 'app', path: `http://${authority}/x`, authority: `public.localhost:${port}` },
          '1.1',
        ),
        authority,
      )
  })

  it('is none of those that are written plainly: they are served, and assertions are made out to them', async () => {
    const plain = [
      'pub.localhost',
      'PUB.localhost',
      'pub.localhost.',
      'pub.localhost:443',
      'pub.localhost.:443',
    ]
    for (const version of VERSIONS) {
      // A port that is mapped to ours: nobody here can know which.
      for (const authority of [
        ...plain,
        `pub.localhost:${port}`,
        'pub.localhost:65535',
        'a.b.wild.localhost',
      ]) {
        const hit = await fire({ host: 'app', path: '/x', authority }, version)
        assert.equal(hit.status, 200, `HTTP/${version} ${authority}`)
        const assertion = decodeJwt(hit.seen[0]?.headers['x-pomerium-jwt-assertion'] ?? '')
        const name = authority.toLowerCase().replace(/\.?(:\d+)?$/, '')
        assert.deepEqual([assertion.iss, assertion.aud], [name, name])
      }
    }
  })

  it('that Host and target name differently is the one of the target', async () => {
    const hit = await fire(
      { host: 'app', path: 'http://pub.localhost/x', authority: `shut.localhost:${port}` },
      '1.1',
    )
    assert.equal(decodeJwt(hit.seen[0]?.headers['x-pomerium-jwt-assertion'] ?? '').iss, 'pub.localhost')
  })
})

describe('TRACE', () => {
  for (const version of VERSIONS) {
    for (const method of version === '2' ? ['TRACE', 'trace', 'TRACK'] : ['TRACE']) {
      it(`is refused as ${method} on a public route and on our own pages, over HTTP/${version}`, async () => {
        const hit = await fire({ host: 'public', path: '/x', method }, version)
        assert.deepEqual([hit.status, hit.bytes], [405, 0])
        const own = await fire({ host: 'public', path: '/.pomerium/', method }, version)
        assert.ok([400, 405].includes(own.status), String(own.status))
      })
    }
  }
})
