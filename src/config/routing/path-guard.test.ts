import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooserOf } from '../../access/config-checks.ts'
import { parseConfig } from '../parse.ts'

function read(text: string) {
  const parsed = parseConfig(text)
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return parsed.config
}

const guarded = (routes: string, settings = '') => {
  const from = `from: 'https://app.example.com'`
  const list = routes
    .trim()
    .split('\n')
    .map((route) => `  - { ${from}, ${route.trim()} }`)
  const choose = chooserOf(read(`${settings}\nroutes:\n${list.join('\n')}\n`))
  return (path: string): string => {
    const choice = choose({ authority: 'app.example.com', path })
    if (choice.kind === 'route') return choice.route.name ?? ''
    return choice.kind === 'refused' ? choice.why : choice.kind
  }
}

const OTHER = 'some programs read the path as one of another route'
const DOTS = 'the path hides a dot segment'
const EMPTY = 'the path hides an empty segment'
const SLASH = 'the path holds an escaped slash'
const MADE_DOTS = 'the path has a dot segment when it is rewritten'
const MADE_EMPTY = 'the path has an empty segment when it is rewritten'
const MADE_SLASH = 'the path has a disguised slash when it is rewritten'

const CLOSED_FIRST = `
  name: admin, prefix: /admin/, to: 'http://a'
  name: exact, path: /login, to: 'http://a'
  name: pattern, regex: '/(en|de)/secret/.*', to: 'http://a'
  name: space, prefix: '/my%20files/', to: 'http://a'
  name: all, to: 'http://a'
`

describe('a path that some programs would read as one of another route', () => {
  const rows: Readonly<Record<string, string>> = {
    '/admin/users': 'admin',
    '/admin;x/users': OTHER,
    '/admin;/users': OTHER,
    '/admin;x=1;y/users': OTHER,
    '/;x/admin/users': EMPTY,
    '/admin%3bx/users': OTHER,
    '/admin%253Bx/users': OTHER,
    '/%2561dmin/users': OTHER,
    '/%61dmin/users': 'admin',
    '/admin%2fusers': SLASH,
    '/admin%252fusers': OTHER,
    '/admin%5cusers': 'the path holds an escaped backslash',
    '/admin/x;y/z': 'admin',
    '/adm;x/in/users': 'all',
    '/admin;x': 'all',
    '/Admin;x/users': 'all',
    '/login': 'exact',
    '/login;jsessionid=1': OTHER,
    '/logi%2565n': 'all',
    '/log%2569n': OTHER,
    '/login%3Fx': OTHER,
    '/What%3F': 'all',
    '/en/secret/a': 'pattern',
    '/en;x/secret/a': OTHER,
    '/en/secre%2574/a': OTHER,
    '/my%20files/a': 'space',
    '/my%20files/a%40b;c': 'space',
    '/page;jsessionid=1': 'all',
    '/a@b/%40/c;d=1': 'all',
    '/a%20b': 'all',
    '/100%25/x': 'all',
  }
  const route = guarded(CLOSED_FIRST)
  for (const [path, expected] of Object.entries(rows))
    it(`${path}: ${expected}`, () => assert.equal(route(path), expected))

  it('is refused as well where no route would take it, or one that comes earlier or later', () => {
    const only = guarded(
      `name: public, prefix: /public, to: 'http://a'\nname: late, path: '/p;x', to: 'http://a'`,
    )
    assert.equal(only('/public;x'), 'public')
    assert.equal(only('/p;x'), OTHER)
    assert.equal(only('/public/%252e%252e/x'), DOTS)
  })

  it('is a matter of the unnormalised path where Envoy does not normalise', () => {
    const raw = guarded(CLOSED_FIRST, 'normalize_path: false\nmerge_slashes: false')
    for (const path of ['/%61dmin/x', '//admin/x', '/x/../admin/x', '/x/%2e%2e/admin/x', '/x//../admin/y'])
      assert.equal(raw(path), OTHER, path)
    assert.equal(raw('/x/../y'), 'all')
    assert.equal(raw('//y//z'), 'all')
    assert.equal(raw('/x/..;/y'), DOTS)
  })

  it('costs nothing where one route takes all', () => {
    const all = guarded(`name: all, to: 'http://a'`)
    for (const path of ['/a;x', `/;${'x'.repeat(9000)}`, '/%2561;b//c']) assert.equal(all(path), 'all')
  })

  it('is refused where looking would take too long', () => {
    const routes = Array.from(
      { length: 60 },
      (_, index) => `name: r${index}, regex: '/${index}(/.*)?', to: 'http://a'`,
    )
    const many = guarded([...routes, `name: all, to: 'http://a'`].join('\n'))
    assert.equal(many(`/x;${'y'.repeat(8000)}`), OTHER)
    assert.equal(many('/x;y'), 'all')
    assert.equal(guarded(CLOSED_FIRST)(`/x;${'y'.repeat(9000)}`), OTHER)
    assert.equal(guarded(CLOSED_FIRST)(`/${'y'.repeat(9000)}`), 'all')
    assert.equal(many('/7;y'), OTHER)
  })
})

describe('a path on a route that says how its app reads paths', () => {
  it('may hold escaped slashes, and no other disguise', () => {
    const npm = guarded(`
      name: closed, prefix: /admin/, to: 'http://a'
      name: npm, prefix: '/', allow_escaped_slashes: true, to: 'http://a'
    `)
    for (const path of ['/@scope%2Fname', '/@scope%2fname/-/x.tgz', '/api/v4/projects/a%2Fb%2Fc'])
      assert.equal(npm(path), 'npm')
    assert.equal(npm('/admin%2Fx'), OTHER)
    for (const path of ['/x%2F..%2Fadmin/y', '/x/..%2fy', '/x%2f.%2e/y', '/%2f..'])
      assert.equal(npm(path), DOTS, path)
    assert.equal(npm('/a%5cb'), 'the path holds an escaped backslash')
  })

  it('is judged by its letters alone where it says that', () => {
    const plain = guarded(`
      name: closed, prefix: /admin/, to: 'http://a'
      name: matrix, paths_as_written: true, to: 'http://a'
    `)
    for (const path of ['/admin;x/y', '/;v=1/x', '/a;b/c', '/%2561dmin/x'])
      assert.equal(plain(path), 'matrix', path)
    for (const path of ['/a/%2e%2e;/b', '/a/%252e%252e/b', '/a/..%20/b', '/a/..%09/b'])
      assert.equal(plain(path), DOTS, path)
    assert.equal(plain('/a%2Fb'), SLASH)
  })

  it('is let in with escaped slashes everywhere where the setting keeps them', () => {
    const kept = guarded(CLOSED_FIRST, 'path_with_escaped_slashes_action: keep_unchanged')
    assert.equal(kept('/a%2Fb'), 'all')
    assert.equal(kept('/admin%2Fb'), OTHER)
    assert.equal(kept('/admin%5Cb'), OTHER)
    assert.equal(kept('/x%2f..%2fadmin/y'), DOTS)
  })
})

/** In each some escape is a part of another. */
const SPLIT_DOTS = [
  '/%2%65%2e/admin/x',
  '/%2%65%2%65/admin/x',
  '/%%32e%%32e/admin/x',
  '/%%32%65./admin/x',
  '/x%2%66../admin',
  '/.%2%65%2f',
  '/%25%32%65%25%32%65/admin',
]

describe('an escape that is made of parts', () => {
  for (const settings of ['', 'normalize_path: false', 'path_with_escaped_slashes_action: keep_unchanged'])
    it(`hides nothing, with ${settings || 'default settings'}`, () => {
      const route = guarded("name: r, to: 'http://a'", settings)
      for (const path of SPLIT_DOTS) assert.ok([DOTS, SLASH].includes(route(path)), `${path}: ${route(path)}`)
      assert.equal(route('/a/%3%62/b'), EMPTY)
      assert.match(route('/a%0%30b'), /an escaped NUL/)
      assert.equal(route('/100%25/x'), 'r')
    })
})

describe('what a route makes of a path', () => {
  const rows: readonly (readonly [route: string, answers: Readonly<Record<string, string>>])[] = [
    [
      String.raw`name: r, prefix: /app, regex_rewrite_pattern: '^/app(.*)$', regex_rewrite_substitution: '/public/\1', to: 'http://a'`,
      {
        '/app../admin': MADE_DOTS,
        '/app..': MADE_DOTS,
        '/app.%2e/x': MADE_DOTS,
        '/app..;x/y': MADE_DOTS,
        '/app%2e%2e/x': MADE_DOTS,
        '/app%252e%252e/x': MADE_DOTS,
        '/app./x': MADE_DOTS,
        '/app/x': MADE_EMPTY,
        '/app;x/y': MADE_EMPTY,
        '/appx': 'r',
        '/app..x': 'r',
        '/app': 'r',
      },
    ],
    [
      String.raw`name: r, regex_rewrite_pattern: 'x', regex_rewrite_substitution: '', to: 'http://a'`,
      {
        '/a/.x./b': MADE_DOTS,
        '/a/x/b': MADE_EMPTY,
        '/x/evil.example.com': MADE_EMPTY,
        '/a%x2fb': MADE_SLASH,
        '/a%x5cb': MADE_SLASH,
        '/a%0x0b': MADE_SLASH,
        '/a/%x2e%x2e/b': MADE_DOTS,
        '/a/.x.;y/b': MADE_DOTS,
        '/axb': 'r',
      },
    ],
    [
      String.raw`name: r, regex_rewrite_pattern: '^/a', regex_rewrite_substitution: '', to: 'http://a'`,
      {
        '/a': 'it is not a path any more when it is rewritten',
        '/ab': 'it is not a path any more when it is rewritten',
        '/a/b': 'r',
      },
    ],
    [
      String.raw`name: r, regex_rewrite_pattern: '^/find/(.*)$', regex_rewrite_substitution: '/search?q=\1', to: 'http://a'`,
      { '/find/a/b': 'r', '/find/..a': 'r' },
    ],
    [
      `name: r, prefix: /grafana, prefix_rewrite: /, to: 'http://a'`,
      {
        '/grafana': 'r',
        '/grafana/login': 'r',
        '/grafanaX': 'none',
        '/grafana../x': 'none',
        '/grafana;x/y': 'none',
      },
    ],
    [
      `name: r, prefix: /old/, redirect: { prefix_rewrite: / }`,
      { '/old/x': 'r', '/old/': 'r', '/old/;/evil.example.com': EMPTY },
    ],
    [`name: r, to: 'http://a/base'`, { '/': 'r', '/x': 'r', '/-x': 'r' }],
  ]
  for (const [route, answers] of rows) {
    const answer = guarded(route)
    for (const [path, expected] of Object.entries(answers))
      it(`${/(?:prefix|regex)\S+: [^,]*/.exec(route)?.[0] ?? 'to'}: ${path}: ${expected}`, () =>
        assert.equal(answer(path), expected))
  }

  it('may hold empty segments where the route says so, but not at its begin', () => {
    const made = guarded(
      String.raw`name: r, paths_as_written: true, regex_rewrite_pattern: '^/app(.*)$', regex_rewrite_substitution: '\1', to: 'http://a'`,
      'merge_slashes: false',
    )
    assert.equal(made('/app/x'), 'r')
    assert.equal(made('/app//x'), MADE_EMPTY)
    assert.equal(made('/app../x'), 'it is not a path any more when it is rewritten')
  })

  it('has no dot segment, also where Envoy resolves none and it came so', () => {
    const rewrites = [
      "to: 'http://a/public'",
      "to: 'http://a/public', paths_as_written: true",
      "prefix: /, prefix_rewrite: /public/, to: 'http://a'",
      String.raw`regex_rewrite_pattern: '^/(.*)$', regex_rewrite_substitution: '/public/\1', to: 'http://a'`,
    ]
    for (const settings of ['normalize_path: false', 'normalize_path: false\nmerge_slashes: false'])
      for (const rewrite of rewrites) {
        const made = guarded(`name: r, ${rewrite}`, settings)
        for (const path of [
          '/../admin/x',
          '/x/../../admin/x',
          '/%2e%2e/admin/x',
          '/..',
          '/./../x',
          '/a/.%2e/',
        ])
          assert.equal(made(path), MADE_DOTS, `${rewrite} ${path}`)
        for (const path of SPLIT_DOTS) assert.ok([DOTS, SLASH].includes(made(path)), `${rewrite} ${path}`)
        assert.equal(made('/a..b/x.y'), 'r')
      }
    const asIs = guarded("name: r, to: 'http://a', paths_as_written: true", 'normalize_path: false')
    assert.equal(asIs('/x/../y'), 'r', 'where nothing is put before it')
  })

  it('is not looked at where that would take long', () => {
    const made = guarded(
      String.raw`name: r, regex_rewrite_pattern: '^/app(.*)$', regex_rewrite_substitution: '/x\1', to: 'http://a'`,
    )
    assert.equal(made(`/app/${'y'.repeat(9000)}`), 'the path is too long to be rewritten')
  })

  it('is not looked at where the pattern matches at many places of a long path', () => {
    const dear = 'the path is too much work to be rewritten'
    for (const pattern of ['(/a.*b)?', '/a.*b|/', '(/a.*b)?(/.*c)?', '((/a)*b)?', 'x*']) {
      const made = guarded(
        `name: r, regex_rewrite_pattern: '${pattern}', regex_rewrite_substitution: '', to: 'http://a'`,
      )
      const before = process.threadCpuUsage()
      assert.equal(made('/a'.repeat(4000)), dear, pattern)
      const { user, system } = process.threadCpuUsage(before)
      assert.ok(user + system < 500_000, `${pattern} took ${(user + system) / 1000} ms`)
      assert.notEqual(made('/a'.repeat(170)), dear, pattern)
    }
    const long = guarded(
      `name: r, regex_rewrite_pattern: a, regex_rewrite_substitution: '${'b'.repeat(8000)}', to: 'http://a'`,
    )
    assert.equal(long('/aaaaaaaa'), 'r')
    assert.equal(long('/aaaaaaaaaaaa'), dear)
  })
})

const problemOf = (route: string) => {
  const parsed = parseConfig(`routes:\n  - { from: 'https://app.example.com', ${route} }\n`)
  return 'problems' in parsed ? parsed.problems.map(({ message }) => message).join('\n') : ''
}

describe('what a path may be replaced by', () => {
  for (const target of [
    '//evil.example.com',
    '/\\\\evil',
    '/a/../b',
    '/a//b',
    '/.',
    '/a/..;x',
    '/%2fevil',
    '/a/%2E%2e/b',
  ]) {
    it(`is never ${target}`, () => {
      const text = JSON.stringify(target.replaceAll('\\\\', '\\'))
      assert.match(problemOf(`prefix_rewrite: ${text}, to: 'http://a'`), /prefix_rewrite|may not hold/)
      assert.match(problemOf(`redirect: { path_redirect: ${text} }`), /may not hold/)
      assert.match(problemOf(`prefix: /x/, redirect: { prefix_rewrite: ${text} }`), /may not hold/)
    })
  }
  it('is a plain path, with a query where that is allowed', () => {
    assert.equal(problemOf(`redirect: { path_redirect: '/a?next=//b/../c' }`), '')
    assert.equal(problemOf(`prefix_rewrite: /a.b/..c/, to: 'http://a'`), '')
    assert.match(problemOf(`to: 'http://a/b//c'`), /may not hold an empty segment/)
  })
})
