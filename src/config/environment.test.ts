import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Config } from './config.ts'
import { parseConfig } from './parse.ts'

const FILE = `
routes:
- from: https://app.example.com
  to: http://127.0.0.1:1
  allow_any_authenticated_user: true
`
const PROVIDER = {
  AUTHENTICATE_SERVICE_URL: 'https://authenticate.example.com',
  IDP_PROVIDER: 'oidc',
  IDP_PROVIDER_URL: 'https://idp.example.com',
  IDP_CLIENT_ID: 'sallyport',
  IDP_CLIENT_SECRET: 'top',
}

function read(
  text: string,
  env: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
) {
  return parseConfig(text, {
    env,
    readFile: (path) => {
      const content = files[path]
      if (content === undefined) throw new Error('no such file')
      return content
    },
  })
}

function configOf(...given: Parameters<typeof read>): Config {
  const parsed = read(...given)
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return parsed.config
}

function mistakesOf(...given: Parameters<typeof read>): readonly string[] {
  const parsed = read(...given)
  assert.ok('problems' in parsed)
  return parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

function checksumOf(env: Readonly<Record<string, string>>): string {
  return configOf(FILE, { ...PROVIDER, ...env }).checksum
}

describe('settings from variables of the environment', () => {
  it('count like those of the file', () => {
    const { settings } = configOf(FILE, {
      ...PROVIDER,
      IDP_SCOPES: 'openid email',
      JWT_CLAIMS_HEADERS: '{"X-Email": "email"}',
      PASS_IDENTITY_HEADERS: 'true',
      COOKIE_EXPIRE: '2h',
      ACCESS_LOG_FIELDS: '["method","path"]',
    })
    assert.equal(settings.sign_in_providers[0]?.client_secret?.reveal(), 'top')
    assert.deepEqual(settings.sign_in_providers[0]?.scopes, ['openid', 'email'])
    assert.deepEqual(settings.jwt_claims_headers, { 'X-Email': 'email' })
    assert.equal(settings.pass_identity_headers, true)
    assert.equal(settings.cookie_expire, 7_200_000)
    assert.deepEqual(settings.access_log_fields, ['method', 'path'])
  })
  it('may name a file by the key with _FILE', () => {
    const { IDP_CLIENT_SECRET: _, ...others } = PROVIDER
    const { settings } = configOf(
      FILE,
      { ...others, IDP_CLIENT_SECRET_FILE: '/run/secret' },
      { '/run/secret': 'from a file\n' },
    )
    assert.equal(settings.sign_in_providers[0]?.client_secret?.reveal(), 'from a file')
  })
  it('give way to the file, which may name the twin of a key', () => {
    const parsed = read(
      `idp_client_id: in the file\nidp_client_secret_file: /run/secret\ncookie_expire: 1h\n${FILE}`,
      { ...PROVIDER, COOKIE_EXPIRE: 'nonsense' },
      { '/run/secret': 'from a file' },
    )
    assert.ok('config' in parsed, JSON.stringify(parsed))
    const [provider] = parsed.config.settings.sign_in_providers
    assert.deepEqual([provider?.client_id, provider?.client_secret?.reveal()], ['in the file', 'from a file'])
    assert.deepEqual(
      [...parsed.fromEnvironment],
      [
        ['authenticate_service_url', 'AUTHENTICATE_SERVICE_URL'],
        ['idp_provider', 'IDP_PROVIDER'],
        ['idp_provider_url', 'IDP_PROVIDER_URL'],
      ],
    )
  })
  it('are passed over when empty, and when their names are anybody’s', () => {
    const parsed = read(FILE, {
      ...PROVIDER,
      COOKIE_EXPIRE: '',
      RECORDS: 'x',
      DIRECTORY: '/tmp',
      HOME: '/root',
    })
    assert.ok('config' in parsed)
    assert.equal(parsed.fromEnvironment.size, Object.keys(PROVIDER).length)
  })
  it('have mistakes that name the variable, and never its value', () => {
    const wrong = mistakesOf(FILE, {
      ...PROVIDER,
      IDP_PROVIDER_URL: 'http://idp.example.com/s3cret',
      PASS_IDENTITY_HEADERS: 's3cret',
      JWT_CLAIMS_HEADERS: '{"X-Email": "email", "X-Email": "s3cret"}',
      CERTIFICATES: '[{"cert": "s3cret"}]',
    })
    assert.deepEqual(
      wrong
        .map((each) =>
          /^([\w.]+): .* \(set by the environment variable (\w+), not by this file\)$/.exec(each)?.slice(1),
        )
        .toSorted(([one = ''] = [], [other = ''] = []) => one.localeCompare(other)),
      [
        ['certificates.0.key', 'CERTIFICATES'],
        ['idp_provider_url', 'IDP_PROVIDER_URL'],
        ['jwt_claims_headers', 'JWT_CLAIMS_HEADERS'],
        ['pass_identity_headers', 'PASS_IDENTITY_HEADERS'],
      ],
    )
    assert.doesNotMatch(wrong.join(), /s3cret/)
  })
  it('count for the checksum, and variables that are not read do not', () => {
    assert.equal(checksumOf({ OTHER: '1' }), checksumOf({ OTHER: '2' }))
    assert.notEqual(checksumOf({ IDP_CLIENT_SECRET: 'other' }), checksumOf({}))
  })
  it('take no map whose keys could mean something to the language', () => {
    assert.equal(mistakesOf(FILE, { ...PROVIDER, IDP_REQUEST_PARAMS: '{"__proto__": "x"}' }).length, 1)
  })
})

const inBase64 = (text: string): string => Buffer.from(text).toString('base64')

describe('routes from the environment', () => {
  const ROUTE = '- {from: https://a.example.com, to: http://a, allow_public_unauthenticated_access: true}\n'

  it('are read as the other proxy has them, where the file lists none', () => {
    for (const name of ['ROUTES', 'POLICY']) {
      const parsed = read('log_level: info\n', { [name]: inBase64(ROUTE) })
      assert.ok('config' in parsed, JSON.stringify(parsed))
      assert.deepEqual(
        parsed.config.routes.map(({ from }) => from),
        ['https://a.example.com'],
      )
      assert.equal(parsed.fromEnvironment.get(name.toLowerCase()), name)
    }
  })

  it('are checked like those of the file', () => {
    const parsed = read('log_level: info\n', {
      ROUTES: inBase64('- {from: https://a.example.com, tu: http://a}\n'),
    })
    assert.ok('problems' in parsed)
    assert.ok(parsed.problems.some(({ message }) => message.includes('not a known key')))
  })

  it('count for nothing beside those of the file, and where the variable is of another program', () => {
    for (const [text, value] of [
      [FILE, inBase64(ROUTE)],
      ['routes: []\n', inBase64(ROUTE)],
      ['routes: []\n', '/api'],
      ['log_level: info\n', 'abcd'],
    ] as const) {
      const parsed = read(text, { ...PROVIDER, ROUTES: value })
      assert.ok('config' in parsed, JSON.stringify(parsed))
      assert.ok(parsed.config.routes.every(({ from }) => from !== 'https://a.example.com'))
    }
  })
})
