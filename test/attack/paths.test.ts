/**
 * Paths and hosts that are spelled to slip past a rule. The rule and the app must see the same one.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { PUBLIC, STAFF_ONLY } from '../harness/stack.ts'
import { assertRefused, openTarget, VERSIONS } from './target.ts'

const target = await openTarget({}, ({ upstream, url }) => {
  const closed = { from: url('other', ''), to: upstream.url, ...STAFF_ONLY }
  const open = { from: url('other', ''), to: upstream.url, ...PUBLIC }
  const pattern = { regex_rewrite_pattern: '^/app(.*)$', regex_rewrite_substitution: '/public/\\1' }
  return [
    { ...open, prefix: '/app', ...pattern },
    { ...open, prefix: '/packages/', allow_escaped_slashes: true },
    { ...open, prefix: '/matrix/', paths_as_written: true },
    { ...open, prefix: '/grafana', prefix_rewrite: '/' },
    { ...open, prefix: '/base/', to: `${upstream.url}/published` },
    { ...closed, prefix: '/admin/' },
    open,
    {
      from: url('wiki', ''),
      to: upstream.url,
      policy: [
        { allow: { or: [{ accept: true }] } },
        { deny: { and: [{ http_path: { starts_with: '/admin/' } }, { groups: { exclude: 'staff' } }] } },
        { deny: { and: [{ http_method: 'DELETE' }] } },
      ],
    },
  ]
})
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

/** `wiki` shuts `/admin/` by a rule, `other` by a route before one that is open to all. */
const ADMIN = [
  '/admin/users',
  '/admin;x/users',
  '/admin;/users',
  '/;/admin/users',
  '/;x=1/admin/users',
  '/admin%3bx/users',
  '/admin%253bx/users',
  '/%61dmin/users',
  '/%2561dmin/users',
  '/admin%2fusers',
  '/admin%252fusers',
  '/admin%5cusers',
  '//admin/users',
  '/x/..;/admin/users',
  '/x/%2e%2e;/admin/users',
  '/x/%252e%252e/admin/users',
  '/x/..%2fadmin/users',
  '/x/..%20/admin/users',
  '/x;/../admin/users',
  '/admin/%3fx',
  '/admin;x/%23',
]

describe('a closed folder beside open ones', () => {
  for (const host of ['wiki', 'other']) {
    for (const path of ADMIN) {
      it(`is not opened at ${host} by ${path}`, async () => {
        for (const version of VERSIONS) assertRefused(await fire({ host, path }, version))
      })
    }
  }

  it('leaves the others open, whatever they hold', async () => {
    for (const host of ['wiki', 'other']) {
      for (const path of ['/page;jsessionid=1', '/a;v=1/b', '/a%20b', '/a@b/%40', '/adm;x/in/users']) {
        for (const version of VERSIONS) {
          const hit = await fire({ host, path }, version)
          assert.deepEqual([hit.status, hit.seen[0]?.url], [200, path], path)
        }
      }
    }
  })

  it('is not opened by a target that is no path', async () => {
    for (const path of [
      'http:/admin/users',
      'http:admin/users',
      'https:///admin/users',
      'admin/users',
      '*',
      '?/admin/users',
    ]) {
      const hit = await fire({ host: 'wiki', path }, '1.1')
      for (const { url } of hit.seen) assert.doesNotMatch(url, /admin/)
      assertRefused(await fire({ host: 'wiki', path }, '2'))
    }
    const whole = `https://wiki.localhost:${port}/admin;x/users`
    for (const version of VERSIONS) assertRefused(await fire({ host: 'wiki', path: whole }, version))
  })

  it('is not reached through a rewrite', async () => {
    for (const path of [
      '/app../admin/users',
      '/app..;/admin/x',
      '/app%2e%2e/admin/x',
      '/app.%2e/x',
      '/app/x',
    ]) {
      for (const version of VERSIONS) assertRefused(await fire({ host: 'other', path }, version))
    }
    for (const [path, url] of [
      ['/appx', '/public/x'],
      ['/grafana/login', '/login'],
      ['/grafana', '/'],
      ['/base/-x', '/published/-x'],
    ])
      assert.equal((await fire({ host: 'other', path: path ?? '' }, '1.1')).seen[0]?.url, url)
    for (const path of ['/grafanaX', '/grafana../admin/x', '/grafana;x/admin/y'])
      assertRefused(await fire({ host: 'other', path }, '2'))
  })

  it('is as closed where a route takes escaped slashes or matrix parameters', async () => {
    for (const path of [
      '/packages/@scope%2Fname',
      '/packages/@scope%2fname;x',
      '/matrix/a;v=1/b;w=2',
      '/matrix;x',
    ]) {
      const hit = await fire({ host: 'other', path }, '2')
      assert.deepEqual([hit.status, hit.seen[0]?.url], [200, path])
    }
    for (const path of [
      '/packages/..%2fadmin%2fx',
      '/packages%2F..%2Fadmin/x',
      '/matrix/%2e%2e;/admin/x',
      '/other%2Fx',
    ])
      assertRefused(await fire({ host: 'other', path }, '2'))
  })
})

describe('a method', () => {
  it('in lower case does not escape a rule on the method', async () => {
    for (const method of ['delete', 'Delete', 'DELETE', 'dELETE', 'DELETE ', 'DELETE;x']) {
      for (const version of VERSIONS) assertRefused(await fire({ host: 'wiki', method, path: '/x' }, version))
    }
    const refused = await fire({ host: 'wiki', method: 'delete', path: '/x' }, '2')
    assert.match(refused.text, /"unknown_method"/)
  })

  it('is not another one by a header', async () => {
    for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) {
      const hit = await fire({ host: 'wiki', method: 'POST', path: '/x', headers: [[name, 'DELETE']] }, '1.1')
      assert.doesNotMatch(JSON.stringify(hit.seen[0]?.headers), /DELETE/)
    }
  })
})

describe('a query', () => {
  it('is data: what browsers leave unescaped in it passes', async () => {
    for (const query of ['x=\\d+\\.', 'q={a|b}', 'q=^`', 'next=//evil/..%2F', 'x=%00', 'x=..;/']) {
      for (const version of VERSIONS) {
        const hit = await fire({ host: 'public', path: `/q?${query}` }, version)
        assert.deepEqual([hit.status, hit.seen[0]?.url], [200, `/q?${query}`])
      }
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
