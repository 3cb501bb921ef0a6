import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Config } from './config.ts'
import { ParseMemory } from './file/parse-memory.ts'
import { RouteKeys } from './keys/route-schema.ts'
import { SettingsKeys } from './keys/settings-schema.ts'
import { UNSUPPORTED_ROUTE_KEYS, UNSUPPORTED_SETTINGS } from './keys/unsupported-keys.ts'
import { parseConfig } from './parse.ts'
import { problemsOf } from './problems.fixture.ts'

function configOf(text: string, memory?: ParseMemory): Config {
  const parsed = parseConfig(text, memory === undefined ? {} : { memory })
  if ('problems' in parsed) assert.fail(parsed.problems.map(({ message }) => message).join('\n'))
  return parsed.config
}

const checksumWith = (text: string, value = 'a'.repeat(43)) => {
  const parsed = parseConfig(text, { env: { S: `${value}=` } })
  return 'config' in parsed ? parsed.config.checksum : assert.fail(parsed.problems[0]?.message)
}

const idWith = (lines: string) => configOf(`routes:\n  - from: https://a\n${lines}`).routes[0]?.id ?? ''

const ROUTES = `routes:
  - from: https://a.example.com
    to: http://a
  - from: https://b.example.com
    to: http://b
    timeout: 5s
`

const ONE_ROUTE = 'routes:\n- from: https://a.example.com\n  to: http://a\n'

describe('a config file', () => {
  it('has all of its mistakes reported at once, in the order of the lines', () => {
    const text = `addres: ":443"
cookie_expire: 14
autocert: true
routes:
  - from: https://app.example.com/x
    to: http://app
    polcy: []
  - to: http://b
  - from: https://c.example.com
    to: http://c
    mcp: {}
    idle_timeout: 1d
  - nothing
`
    assert.deepEqual(problemsOf(text), [
      '1:1 addres: is not a known key; did you mean "address"?',
      '2:16 cookie_expire: needs a unit: write "14s" for seconds or "14ms" for milliseconds',
      '3:1 autocert: is not supported yet: name certificate files under `certificates`; a renewed file is picked up at once',
      '5:11 routes[0].from: `from` may not have a path; put "/x" into `prefix` or `path`',
      '7:5 routes[0].polcy: is not a known key; did you mean "policy"?',
      '8:5 routes[1].from: is missing',
      '11:5 routes[2].mcp: is not supported yet: MCP routes are not served; remove the key to serve the upstream as plain HTTP',
      '12:19 routes[2].idle_timeout: "1d" is not a duration; write it as "30s", "1m30s", "500ms" or "0s"',
      '13:5 routes[3]: must be a map of keys, beginning with `from`',
    ])
  })

  it('may call its routes `policy`, and those come first', () => {
    const { routes } = configOf(
      'routes:\n  - {from: https://b, to: http://b}\npolicy:\n  - {from: https://a, to: http://a}\n',
    )
    assert.deepEqual(
      routes.map(({ from }) => from),
      ['https://a', 'https://b'],
    )
    assert.deepEqual(problemsOf('policy:\n  - {from: https://a}\n'), [
      '2:5 policy[0]: has no target; give one of `to`, `redirect` and `response`',
    ])
  })

  it('cannot hold one route twice, and both lines are named', () => {
    const text = `${ROUTES}  - from: https://a.example.com
    to: http://a
    name: again
`
    assert.deepEqual(problemsOf(text), [
      '7:5 routes[2]: line 7 repeats the route of line 2: from, prefix, path, regex and target are equal',
    ])
  })

  it('may have an app on the host of the sign-in pages', () => {
    const text = `authenticate_service_url: https://a.example.com\n${ROUTES}`
    assert.deepEqual(problemsOf(text), [])
  })

  it('has an empty value reported as such', () => {
    assert.deepEqual(problemsOf('routes:\n  - from: https://a\n    to: http://a\n    timeout:\n'), [
      '4:13 routes[0].timeout: has no value; give it one or remove the key',
    ])
  })

  it('takes an empty prefix for none beside a regex or a path only, and an empty authority for that of the system', () => {
    const parsed = parseConfig(`${ONE_ROUTE}  regex: /a/.*\n  prefix: null\n  tls_custom_ca: ""\n`)
    assert.ok('config' in parsed, JSON.stringify(parsed))
    const [route] = parsed.config.routes
    assert.deepEqual([route?.regex, route?.prefix, route?.tls_custom_ca], ['/a/.*', undefined, undefined])
    assert.equal(problemsOf(`${ONE_ROUTE}  prefix: null\n  regex: null\n`).length, 2)
  })

  it('takes an empty rule for none, which lets nobody in, and no other empty key', () => {
    const parsed = parseConfig(`${ONE_ROUTE}  policy:\n  allowed_users:\n  allowed_idp_claims: null\n`)
    assert.ok('config' in parsed, JSON.stringify(parsed))
    const [read] = parsed.config.routes
    assert.deepEqual(
      [read?.policy, read?.allowed_users, read?.allowed_idp_claims],
      [undefined, undefined, undefined],
    )
    const odd = parseConfig(`${ONE_ROUTE}  policy:\n  prefix:\n`)
    assert.ok('problems' in odd)
    assert.deepEqual(
      odd.problems.map(({ path, message }) => [path.at(-1), message]),
      [['prefix', 'has no value; give it one or remove the key']],
    )
  })
  it('may say of what is not supported that it is not wanted', () => {
    const text = `autocert: false
grpc_insecure: true
runtime_flags: {mcp: false, config_hot_reload: true}
routes:
  - from: https://a.example.com
    to: http://a
`
    assert.deepEqual(problemsOf(text), [])
    assert.equal(problemsOf(text.replaceAll('false', 'true')).length, 2)
  })

  it('has each known key either in the schema or refused, never both', () => {
    for (const key of Object.keys(UNSUPPORTED_SETTINGS)) assert.ok(!(key in SettingsKeys.shape), key)
    for (const key of Object.keys(UNSUPPORTED_ROUTE_KEYS)) assert.ok(!(key in RouteKeys.shape), key)
  })

  it('is checked by other rooms too, whose mistakes get their places', () => {
    const checks = [
      ({ routes }: Config) =>
        routes.map((_, index) => ({ path: ['routes', index, 'timeout'], message: `no ${index}` })),
    ]
    const text = `policy:\n  - from: https://z\n    to: http://z\n${ROUTES}`
    assert.deepEqual(problemsOf(text, { checks }), [
      '2:5 policy[0].timeout: no 0',
      '5:5 routes[0].timeout: no 1',
      '9:14 routes[1].timeout: no 2',
    ])
  })

  it('is checked by other rooms even when it has mistakes of its own', () => {
    const checks = [
      ({ routes }: Config) => routes.map((_, index) => ({ path: ['routes', index, 'from'], message: 'no' })),
    ]
    assert.deepEqual(problemsOf(`${ROUTES}    tiemout: 1s\n`, { checks }), [
      '2:11 routes[0].from: no',
      '4:11 routes[1].from: no',
      '7:5 routes[1].tiemout: is not a known key; did you mean "timeout"?',
    ])
  })
})

describe('a config', () => {
  it('is frozen throughout', () => {
    const unfrozen = (value: unknown, path: string): string[] =>
      typeof value !== 'object' || value === null
        ? []
        : [
            ...(Object.isFrozen(value) ? [] : [path]),
            ...Object.entries(value).flatMap(([key, held]) => unfrozen(held, `${path}.${key}`)),
          ]
    const text = `${ROUTES}    policy: [{allow: {and: [{accept: true}]}}]\n    allowed_idp_claims: {a: [b]}\n`
    assert.deepEqual(unfrozen(configOf(text), 'config'), [])
  })

  it('has a checksum of its text and of what that refers to', () => {
    assert.equal(checksumWith(ROUTES), checksumWith(ROUTES))
    assert.notEqual(checksumWith(ROUTES), checksumWith(`${ROUTES}# more\n`))
    const from = (file: string) => {
      const text = `shared_secret_file: keys/shared\n${ROUTES}`
      const parsed = parseConfig(text, { file, readFile: () => Buffer.alloc(32).toString('base64') })
      return 'config' in parsed ? parsed.config.checksum : assert.fail(parsed.problems[0]?.message)
    }
    assert.equal(from('config.yaml'), from('/etc/sallyport/../sallyport/config.yaml'))
    assert.notEqual(
      checksumWith('shared_secret: env:S'),
      checksumWith('shared_secret: env:S', 'b'.repeat(43)),
    )
  })

  it('has routes whose id depends on what makes them one and the same, not on the rest', () => {
    const plain = idWith('    to: http://b\n')
    assert.match(plain, /^[0-9a-f]{16}$/)
    assert.equal(idWith('    to: http://b\n    name: x\n    timeout: 3s\n'), plain)
    for (const other of [
      '    to: http://c\n',
      '    to: http://b\n    prefix: /x\n',
      '    response: {status: 200}\n',
    ]) {
      assert.notEqual(idWith(other), plain)
    }
  })

  it('says where each route stands', () => {
    assert.deepEqual(
      configOf(ROUTES).routes.map(({ position }) => position),
      [
        { file: 'config.yaml', line: 2, column: 5 },
        { file: 'config.yaml', line: 4, column: 5 },
      ],
    )
  })
})

describe('a parse with a memory', () => {
  it('keeps the very objects of routes that did not change', () => {
    const memory = new ParseMemory()
    const before = configOf(ROUTES, memory)
    const after = configOf(ROUTES.replace('5s', '6s'), memory)
    assert.equal(after.routes[0], before.routes[0])
    assert.notEqual(after.routes[1], before.routes[1])
    assert.equal(after.routes[1]?.timeout, 6000)
  })

  it('gives what a parse without one gives, also when lines move and mistakes come and go', () => {
    const memory = new ParseMemory()
    const texts = [
      ROUTES,
      `# moved\n${ROUTES}`,
      ROUTES.replace('5s', '5'),
      ROUTES.replace('  - from: https://b', '\n  - from: https://b'),
      `address: ":8443"\n${ROUTES}`,
      ROUTES.split('\n').slice(0, 3).join('\n'),
      'routes: []\n',
      ROUTES,
    ]
    for (const text of texts) assert.deepEqual(parseConfig(text, { memory }), parseConfig(text), text)
  })

  it('reads the files of a route again', () => {
    const memory = new ParseMemory()
    const text = 'routes:\n  - from: https://a\n    to: https://b\n    tls_custom_ca_file: ca.pem\n'
    const problem = (reason: string) => {
      const parsed = parseConfig(text, {
        memory,
        readFile: () => {
          throw new Error(reason)
        },
      })
      return 'problems' in parsed ? parsed.problems[0]?.message : undefined
    }
    assert.equal(problem('one'), 'cannot read the file ca.pem: one')
    assert.equal(problem('two'), 'cannot read the file ca.pem: two')
  })
})

const underTwoHosts = (name: string) => `routes:
  - from: https://a.example.com:8443
    prefix: /x
    to: http://a
    tls_downstream_server_name: ${name}
  - from: https://b.example.com
    to: http://b
`

describe('a route with `tls_downstream_server_name`', () => {
  it('is a route under both hosts, with an id of its own for each', () => {
    const { routes } = configOf(underTwoHosts('Other.Example.com'))
    assert.deepEqual(
      routes.map(({ from, origin, prefix }) => [from, origin.host, origin.port, prefix]),
      [
        ['https://a.example.com:8443', 'a.example.com', 8443, '/x'],
        ['https://other.example.com:8443', 'other.example.com', 8443, '/x'],
        ['https://b.example.com', 'b.example.com', undefined, undefined],
      ],
    )
    assert.equal(new Set(routes.map(({ id }) => id)).size, 3)
  })
  it('is there once when it names its own host', () => {
    assert.equal(configOf(underTwoHosts('a.example.com')).routes.length, 2)
  })
  it('has its mistakes told once', () => {
    const checks = [
      ({ routes }: Config) =>
        routes.map((_, index) => ({ path: ['routes', index, 'policy'], message: 'is odd' })),
    ]
    const parsed = parseConfig(underTwoHosts('other.example.com'), { checks })
    assert.ok('problems' in parsed)
    assert.deepEqual(
      parsed.problems.map(({ path }) => path),
      [
        ['routes', 0, 'policy'],
        ['routes', 1, 'policy'],
      ],
    )
  })
})

it('a route with a wrong `from` is judged for its other mistakes and its policy too', () => {
  const checks = [
    ({ routes }: Config) =>
      routes.map((_, index) => ({ path: ['routes', index, 'policy'], message: 'is odd' })),
  ]
  const parsed = parseConfig(
    'routes:\n  - from: https://a/x\n    to: http://a\n    policy: []\n  - to: http://b\n',
    { checks },
  )
  assert.ok('problems' in parsed)
  assert.deepEqual(
    parsed.problems.map(({ path }) => path.join('.')),
    ['routes.0.from', 'routes.0.policy', 'routes.1.from', 'routes.1.policy'],
  )
})
