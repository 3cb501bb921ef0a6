import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { makePair, ODD_KEYS, type Pair } from '../crypto/x509/certificate.fixture.ts'
import type { Config } from './config.ts'
import { parseConfig } from './parse.ts'
import { problemsOf } from './problems.fixture.ts'

const SECRET = randomBytes(32).toString('base64')

let pair: Pair
let other: Pair
before(async () => {
  pair = await makePair()
  other = await makePair('other.example.com')
})

function filesOf(files: Readonly<Record<string, string>>) {
  return (path: string): string => {
    const content = files[path]
    if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return content
  }
}

function configOf(text: string, files: Readonly<Record<string, string>> = {}, env = {}): Config {
  const parsed = parseConfig(text, { file: '/etc/sallyport/config.yaml', readFile: filesOf(files), env })
  if ('problems' in parsed) assert.fail(parsed.problems.map(({ message }) => message).join('\n'))
  return parsed.config
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('a secret', () => {
  it('is the text itself, an environment variable, or a file beside the config file', () => {
    const files = { '/etc/sallyport/secrets/shared': `${SECRET}\n` }
    for (const line of [
      `shared_secret: ${SECRET}`,
      'shared_secret: env:SHARED',
      'shared_secret: file:secrets/shared',
      'shared_secret: file:///etc/sallyport/secrets/shared',
      'shared_secret_file: secrets/shared',
      'shared_secret_file: /etc/sallyport/secrets/shared',
    ]) {
      const { settings } = configOf(line, files, { SHARED: SECRET })
      assert.equal(settings.shared_secret?.reveal(), SECRET, line)
    }
  })

  it('that cannot be had is a mistake at its key, and its value is never quoted', () => {
    const text = [
      'shared_secret: env:NOPE',
      'cookie_secret: file:nope',
      'signing_key: hunter2',
      'idp_client_secret: env:EM PTY',
    ].join('\n')
    assert.deepEqual(problemsOf(text, { readFile: filesOf({}), env: {} }), [
      '1:16 shared_secret: the environment variable NOPE is not set',
      '2:16 cookie_secret: cannot read the file nope: there is no such file',
      '3:14 signing_key: holds no private key in PEM form',
      '4:1 idp_client_secret: needs `idp_provider` beside it; use `oidc` for any OpenID provider',
      '4:20 idp_client_secret: "EM PTY" is not a name of an environment variable',
    ])
  })

  it('of the wrong length is refused with how to make one', () => {
    const [wrong] = problemsOf('shared_secret: aHVudGVyMg==')
    assert.equal(
      wrong,
      '1:16 shared_secret: must be 32 bytes in base64, but has 7 bytes; make one with `head -c32 /dev/urandom | base64`',
    )
    assert.match(problemsOf('shared_secret: hunter 2')[0] ?? '', /must be 32 bytes in base64; make one/)
  })

  it('that is empty is a mistake, in a file too', () => {
    const options = { readFile: filesOf({ e: '\n' }), env: { E: '' } }
    assert.deepEqual(problemsOf('shared_secret: env:E\ncookie_secret_file: e\nsigning_key: ""', options), [
      '1:16 shared_secret: the environment variable E is empty',
      '2:21 cookie_secret_file: the file e is empty',
      '3:14 signing_key: must not be empty',
    ])
  })

  it('and its file cannot both be given', () => {
    assert.deepEqual(problemsOf('shared_secret: a\nshared_secret_file: b'), [
      '2:21 shared_secret_file: cannot stand beside `shared_secret`; give one of them',
    ])
  })

  it('does not appear in the config when that is printed', () => {
    const config = configOf(`shared_secret: ${SECRET}`)
    assert.ok(!JSON.stringify(config).includes(SECRET))
  })
})

describe('certificates', () => {
  it('are paths in the list, PEM or PEM in base64 elsewhere, and come out as PEM', () => {
    const files = { '/etc/sallyport/a.crt': pair.cert, '/etc/sallyport/a.key': pair.key }
    for (const text of [
      'certificates: [{cert: a.crt, key: a.key}]',
      'certificates: [{cert: file:a.crt, key: "env:KEY"}]',
      'certificate_file: a.crt\ncertificate_key_file: a.key',
      `certificate: ${base64(pair.cert)}\ncertificate_key: ${base64(pair.key)}`,
      `certificate: ${JSON.stringify(pair.cert)}\ncertificate_key_file: a.key`,
    ]) {
      const [certificate, ...rest] = configOf(text, files, { KEY: pair.key }).settings.certificates
      assert.equal(certificate?.cert.trim(), pair.cert.trim(), text)
      assert.equal(certificate?.key.reveal().trim(), pair.key.trim(), text)
      assert.equal(rest.length, 0)
    }
  })

  it('bring Strict-Transport-Security with them, which a local certificate must not', () => {
    const files = { '/etc/sallyport/a.crt': pair.cert, '/etc/sallyport/a.key': pair.key }
    const served = configOf('certificates: [{cert: a.crt, key: a.key}]', files).settings.set_response_headers
    assert.match(served['Strict-Transport-Security'] ?? '', /max-age=31536000/)
    assert.equal(configOf('routes: []').settings.set_response_headers['Strict-Transport-Security'], undefined)
    assert.deepEqual(configOf('set_response_headers: {disable: true}').settings.set_response_headers, {})
  })

  it('that Envoy would not serve are refused at the key that is to blame', () => {
    const files = {
      'a.crt': pair.cert,
      'b.key': other.key,
      'ed.key': ODD_KEYS.ed25519,
      'weak.key': ODD_KEYS.rsa1024,
      'locked.key': ODD_KEYS.encrypted,
      junk: 'junk',
      'broken.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    }
    const keys = ['b.key', 'ed.key', 'weak.key', 'locked.key', 'junk', 'nope']
    const text = `certificates:\n${keys.map((key) => `  - {cert: a.crt, key: ${key}}\n`).join('')}  - {cert: broken.crt, key: b.key}\n  - {cert: junk, key: b.key}\n`
    assert.deepEqual(
      problemsOf(text, { readFile: filesOf(files) }).map((problem) =>
        problem.replace(/^\d+:\d+ certificates/, ''),
      ),
      [
        '[0].key: is not the key of the certificate beside it',
        '[1].key: is a key of type ed25519; RSA or EC is needed',
        '[2].key: is an RSA key of 1024 bits; at least 2048 are needed',
        '[3].key: is encrypted with a passphrase; decrypt it first (`openssl pkey -in key.pem -out plain.pem`)',
        '[4].key: holds no private key in PEM form',
        '[5].key: cannot read the file nope: there is no such file',
        '[6].cert: holds a certificate that cannot be read',
        '[7].cert: holds no certificate in PEM form',
      ],
    )
  })

  it('of a route are read for that route', () => {
    const files = { '/etc/sallyport/a.crt': pair.cert, '/etc/sallyport/a.key': pair.key }
    const text = `routes:
  - from: https://a.example.com
    to: https://b
    tls_custom_ca_file: a.crt
    tls_client_cert_file: a.crt
    tls_client_key_file: a.key
`
    const [route] = configOf(text, files).routes
    assert.equal(route?.tls_custom_ca?.trim(), pair.cert.trim())
    assert.equal(route?.tls_client_cert?.trim(), pair.cert.trim())
    assert.equal(route?.tls_client_key?.reveal().trim(), pair.key.trim())
    assert.ok(!Object.keys(route ?? {}).some((key) => key.endsWith('_file')))
  })
})

it('a signing key is EC P-256 or RSA, and several may stand in one file', () => {
  const options = {
    readFile: filesOf({ two: pair.key + other.key, p384: ODD_KEYS.p384, ed: ODD_KEYS.ed25519 }),
  }
  assert.deepEqual(problemsOf('signing_key_file: two', options), [])
  for (const file of ['p384', 'ed']) {
    assert.deepEqual(problemsOf(`signing_key_file: ${file}`, options), [
      '1:19 signing_key_file: must be an EC key on P-256 or an RSA key of at least 2048 bits',
    ])
  }
})

it('defaults are filled in', () => {
  const { settings } = configOf('routes: []')
  assert.deepEqual(settings.address, { host: '0.0.0.0', port: 443 })
  assert.deepEqual(configOf('insecure_server: true').settings.address, { host: '0.0.0.0', port: 80 })
  assert.deepEqual(settings.health_check_addr, { host: '127.0.0.1', port: 28_080 })
  assert.equal(settings.cookie_expire, 14 * 3_600_000)
  assert.equal(settings.timeout_write, 0)
  assert.equal(settings.pass_identity_headers, false)
  assert.equal(settings.path_with_escaped_slashes_action, 'REJECT_REQUEST')
  assert.deepEqual(configOf('jwt_claims_headers: [email]').settings.jwt_claims_headers, {
    'X-Pomerium-Claim-email': 'email',
  })
  assert.ok(settings.access_log_fields.includes('request-id'))
})
