/**
 * Paths and hosts that are spelled to slip past a rule. The rule and the app must see the same one.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { assertRefused, openTarget, VERSIONS } from './target.ts'

const target = await openTarget()
after(() => target[Symbol.asyncDispose]())
const { stack, fire, staff } = target
const { port } = stack.edge

type Outcome =
  /** Refused at the edge, whoever asks. */
  | 'refused'
  /** Staff is needed; then the app sees this path. */
  | { readonly staffSees: string }
  /** Open to all; the app sees this path. */
  | { readonly allSee: string }

const PATHS: readonly (readonly [path: string, outcome: Outcome])[] = [
  ['/public/../admin', { staffSees: '/admin' }],
  ['/public/./../admin', { staffSees: '/admin' }],
  ['/public/%2e%2e/admin', { staffSees: '/admin' }],
  ['/public/%2E%2E/admin', { staffSees: '/admin' }],
  ['/public/.%2e/admin', { staffSees: '/admin' }],
  ['/public/../../../admin', { staffSees: '/admin' }],
  ['/public%2F..%2Fadmin', 'refused'],
  ['/public/..%2fadmin', 'refused'],
  ['/public%5c..%5cadmin', 'refused'],
  ['/public/%5C../admin', 'refused'],
  ['//admin', { staffSees: '/admin' }],
  ['///admin', { staffSees: '/admin' }],
  // RFC 3986 §5.2.4: the dots take away the empty segment; the app gets the path that was judged
  ['/public//../admin', { allSee: '/public/admin' }],
  ['/public\\..\\admin', { staffSees: '/admin' }],
  ['/admin#/public/', 'refused'],
  ['/admin%23/public/', { staffSees: '/admin%23/public/' }],
  ['/admin?x=/public/', { staffSees: '/admin?x=/public/' }],
  ['/admin?/public/', { staffSees: '/admin?/public/' }],
  ['/admin;/../public/', { allSee: '/public/' }],
  // Java servers cut `;…` off a segment before they look for dots
  ['/admin/..;/public/', { allSee: '/public/' }],
  ['/public/..;/admin', { staffSees: '/admin' }],
  ['/public/..;x=1/admin', { staffSees: '/admin' }],
  ['/public/%2e%2e;/admin', 'refused'],
  ['/public/*', { allSee: '/public/*' }],
  ['/admin*', { staffSees: '/admin*' }],
  ['/Public/x', { staffSees: '/Public/x' }],
  ['/public', { staffSees: '/public' }],
  ['/publicx', { staffSees: '/publicx' }],
  ['/public/%00', 'refused'],
  ['public/', 'refused'],
  ['', 'refused'],
]

describe('a path', () => {
  for (const [path, outcome] of PATHS) {
    for (const version of VERSIONS) {
      // an empty request target is no HTTP/1.1 request line at all, and is in the table of smuggling
      if (path === '' && version === '1.1') continue
      it(`${JSON.stringify(path)} over HTTP/${version}: ${JSON.stringify(outcome)}`, async () => {
        const stranger = await fire({ host: 'api', path }, version)
        if (typeof outcome === 'object' && 'allSee' in outcome) {
          assert.equal(stranger.status, 200)
          assert.equal(stranger.seen[0]?.url, outcome.allSee)
          return
        }
        assertRefused(stranger)
        const member = await fire({ host: 'api', path, headers: [['cookie', staff['api'] ?? '']] }, version)
        if (outcome === 'refused') assertRefused(member)
        else assert.equal(member.seen[0]?.url, outcome.staffSees, `status ${member.status}`)
      })
    }
  }

  it('with bytes above 127 is refused or judged in its encoded form', async () => {
    for (const version of VERSIONS) {
      assertRefused(await fire({ host: 'api', path: '/\u0080\u00ff' }, version))
      const shot = { host: 'api', path: '/\u0080\u00ff', headers: [['cookie', staff['api'] ?? '']] as const }
      const member = await fire(shot, version)
      if (member.status === 200) assert.equal(member.seen[0]?.url, '/%80%FF')
      else assertRefused(member)
    }
  })

  it('with an encoded line break never becomes a header', async () => {
    for (const version of VERSIONS) {
      const hit = await fire({ host: 'api', path: '/public/%0d%0ax-injected:%201' }, version)
      assert.equal(hit.seen[0]?.headers['x-injected'], undefined)
      if (hit.status === 200) assert.equal(hit.seen[0]?.url, '/public/%0d%0ax-injected:%201')
    }
  })
})

describe('a host', () => {
  for (const version of VERSIONS) {
    it(`in another case, with a dot or a port, has the same policy, over HTTP/${version}`, async () => {
      for (const authority of [
        `APP.LocalHost:${port}`,
        'app.localhost',
        `app.localhost.:${port}`,
        'app.localhost.',
        'app.localhost:443',
        'app.localhost:1',
      ]) {
        const hit = await fire({ host: 'app', path: '/x', authority }, version)
        assertRefused(hit)
        const member = await fire(
          { host: 'app', path: '/x', authority, headers: [['cookie', staff['app'] ?? '']] },
          version,
        )
        assert.ok([200, 400, 401, 404, 421].includes(member.status), `${authority}: ${member.status}`)
      }
    })

    it(`that is unknown, an address or empty has no default route, over HTTP/${version}`, async () => {
      for (const authority of [
        `nope.localhost:${port}`,
        `127.0.0.1:${port}`,
        `[::1]:${port}`,
        '',
        'localhost',
        '*',
        'app.localhost.evil.example.com',
      ]) {
        for (const headers of [[], [['cookie', staff['app'] ?? '']] as const]) {
          assertRefused(await fire({ host: 'app', path: '/x', authority, headers: [...headers] }, version))
        }
      }
    })

    it(`is the public one only when it is that, over HTTP/${version}`, async () => {
      // the name of the TLS handshake is not the name that is judged
      const hit = await fire({ host: 'public', path: '/x', authority: `app.localhost:${port}` }, version)
      assertRefused(hit)
    })
  }

  it('that differs between :authority and host is one for route, policy and app', async () => {
    const hit = await fire(
      {
        host: 'public',
        path: '/x',
        authority: `public.localhost:${port}`,
        headers: [['host', `app.localhost:${port}`]],
      },
      '2',
    )
    if (hit.status === 200) assert.equal(hit.seen[0]?.headers['x-forwarded-host'], `public.localhost:${port}`)
    else assertRefused(hit)
    const other = await fire(
      {
        host: 'public',
        path: '/x',
        authority: `app.localhost:${port}`,
        headers: [['host', `public.localhost:${port}`]],
      },
      '2',
    )
    assertRefused(other)
  })

  it('in an absolute URI counts as the host', async () => {
    const toApp = await fire(
      { host: 'public', path: `https://app.localhost:${port}/x`, authority: `public.localhost:${port}` },
      '1.1',
    )
    assertRefused(toApp)
  })
})

describe('after all this', () => {
  it('the edge is well', async () => await target.assertAlive())
})
