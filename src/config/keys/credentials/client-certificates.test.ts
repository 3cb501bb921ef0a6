import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createClientAuthority, der } from '../../client-authority.fixture.ts'
import { type ParseOptions, parseConfig } from '../../parse.ts'
import { problemsOf } from '../../problems.fixture.ts'

const root = await createClientAuthority('Root')
const other = await createClientAuthority('Other')
const leaf = await root.issue()
const crl = await root.revocationList([])
const raw = Buffer.from(crl.replace(/-----[^-]+-----/g, ''), 'base64')

const FILES: Readonly<Record<string, string>> = {
  'ca.pem': root.cert,
  'other.pem': other.cert,
  'both.pem': root.cert + other.cert,
  'leaf.pem': leaf.cert,
  'mixed.pem': root.cert + leaf.cert,
  'crl.pem': crl,
  'crl-sha1.pem': await root.revocationList([], { hash: 'SHA-1' }),
  'crl-cut.pem': pem(raw.subarray(0, -5)),
  'crl.der': raw.toString('latin1'),
  'junk.pem': 'junk',
}

function pem(bytes: Buffer): string {
  return `-----BEGIN X509 CRL-----\n${bytes.toString('base64')}\n-----END X509 CRL-----\n`
}

const options: ParseOptions = {
  readFile: (path) => {
    const text = FILES[path]
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return text
  },
}
const wrong = (yaml: string, routes = 'routes: []') => problemsOf(`${yaml}\n${routes}`, options)
const mtls = (keys: string) => wrong(`downstream_mtls: { ${keys} }`)
const ROUTE =
  'routes: [{ from: "https://app.example.com", to: "http://app", tls_downstream_client_ca_file: ca.pem }]'

describe('downstream_mtls', () => {
  it('is complete with an authority alone', () => {
    const parsed = parseConfig('downstream_mtls: { ca_file: ca.pem }\nroutes: []', options)
    assert.ok('config' in parsed)
    assert.deepEqual(parsed.config.settings.downstream_mtls, {
      ca: root.cert,
      crl: undefined,
      enforcement: 'policy_with_default_deny',
      match_subject_alt_names: [],
      max_verify_depth: 1,
    })
    assert.deepEqual(parsed.files, ['ca.pem'])
  })

  it('takes PEM and base64 of it, inline', () => {
    const base64 = Buffer.from(root.cert).toString('base64')
    assert.deepEqual(mtls(`ca: ${base64}, crl: ${Buffer.from(crl).toString('base64')}`), [])
    assert.deepEqual(mtls('ca_file: both.pem, crl_file: crl.pem'), [])
  })

  const rows: readonly (readonly [string, readonly string[]])[] = [
    [
      'enforcement: policy',
      ['1:1 downstream_mtls: needs `ca` or `ca_file`: it does not say whose certificates are accepted'],
    ],
    ['crl_file: crl.pem', ['1:20 downstream_mtls.crl_file: needs `ca` or `ca_file` beside it']],
    [
      'ca_file: gone.pem',
      ['1:29 downstream_mtls.ca_file: cannot read the file gone.pem: there is no such file'],
    ],
    ['ca_file: junk.pem', ['1:29 downstream_mtls.ca_file: holds no certificate in PEM form']],
    [
      'ca_file: leaf.pem',
      [
        '1:29 downstream_mtls.ca_file: the certificate is not that of a certificate authority (its basicConstraints lack CA:TRUE)',
      ],
    ],
    [
      'ca_file: mixed.pem',
      [
        '1:29 downstream_mtls.ca_file: certificate 2 of 2 is not that of a certificate authority (its basicConstraints lack CA:TRUE)',
      ],
    ],
    ['ca: x, ca_file: ca.pem', ['1:36 downstream_mtls.ca_file: cannot stand beside `ca`; give one of them']],
    [
      'ca_file: ca.pem, crl_file: junk.pem',
      [
        '1:47 downstream_mtls.crl_file: holds no revocation list in PEM form (`openssl crl -inform DER -in list.crl -out list.pem` makes one)',
      ],
    ],
    [
      'ca_file: ca.pem, crl_file: crl-cut.pem',
      ['1:47 downstream_mtls.crl_file: the revocation list cannot be read'],
    ],
    [
      'ca_file: ca.pem, crl_file: crl-sha1.pem',
      [
        '1:47 downstream_mtls.crl_file: the revocation list is signed with MD5 or SHA-1, which anybody may forge',
      ],
    ],
    [
      'ca_file: other.pem, crl_file: crl.pem',
      ['1:50 downstream_mtls.crl_file: the revocation list is not signed by any of the client authorities'],
    ],
    [
      'ca_file: both.pem, crl_file: crl.pem, enforcement: reject_connection',
      [
        '1:49 downstream_mtls.crl_file: holds no list of "CN=Other": with `reject_connection` Envoy wants one of each authority',
      ],
    ],
    [
      'ca_file: ca.pem, match_subject_alt_names: [{ dns: a, email: b }, {}]',
      [
        '1:63 downstream_mtls.match_subject_alt_names[0]: must hold one of dns, email, ip_address, uri, user_principal_name',
        '1:85 downstream_mtls.match_subject_alt_names[1]: must hold one of dns, email, ip_address, uri, user_principal_name',
      ],
    ],
    ['ca_file: ca.pem, max_verify_depth: -1', ['1:55 downstream_mtls.max_verify_depth: must be at least 0']],
  ]
  for (const [keys, problems] of rows) {
    it(`is refused with ${keys}`, () => assert.deepEqual(mtls(keys), problems))
  }

  it('asks for a regular expression that Envoy can compile', () => {
    assert.match(
      mtls('ca_file: ca.pem, match_subject_alt_names: [{ dns: "(?=x)" }]').join(),
      /not a regular expression of RE2/,
    )
  })

  it('needs TLS', () => {
    const NO_TLS =
      'needs TLS, but `insecure_server: true` serves plain HTTP: what ends TLS in front must ask for certificates'
    const insecure = 'insecure_server: true'
    assert.deepEqual(wrong(`${insecure}\ndownstream_mtls: { ca_file: ca.pem }`), [
      `2:1 downstream_mtls: ${NO_TLS}`,
    ])
    assert.deepEqual(wrong(insecure, ROUTE), [`2:10 routes[0]: \`tls_downstream_client_ca\` ${NO_TLS}`])
  })
})

describe('tls_downstream_client_ca', () => {
  it('asks for certificates on its own, with the defaults of downstream_mtls', () => {
    const parsed = parseConfig(ROUTE, options)
    assert.ok('config' in parsed)
    const { settings, routes } = parsed.config
    assert.equal(settings.downstream_mtls?.enforcement, 'policy_with_default_deny')
    assert.equal(settings.downstream_mtls.ca, undefined)
    assert.equal(routes[0]?.tls_downstream_client_ca, root.cert)
  })

  it('may be the authority of the revocation list, and of a demand that names none', () => {
    assert.deepEqual(wrong('downstream_mtls: { enforcement: policy, crl_file: crl.pem }', ROUTE), [])
  })

  it('must be an authority', () => {
    assert.match(
      wrong('', ROUTE.replace('ca.pem', 'leaf.pem')).join(),
      /tls_downstream_client_ca_file: the certificate is not that of/,
    )
  })
})

describe('a revocation list that is not the whole truth', () => {
  const [body = raw, ...rest] = parts(raw)
  /** The list with a further extension: it is not signed then, but it is looked into before. */
  function withExtension(oid: readonly number[], isCritical: boolean, value: Buffer): string {
    const extension = der(
      0x30,
      der(0x06, Buffer.from(oid)),
      ...(isCritical ? [der(0x01, Buffer.from([0xff]))] : []),
      der(0x04, value),
    )
    const fields = parts(body).filter((part) => part[0] !== 0xa0)
    return pem(der(0x30, der(0x30, ...fields, der(0xa0, der(0x30, extension))), ...rest))
  }

  const rows: readonly (readonly [string, string, string])[] = [
    [
      'a delta',
      withExtension([0x55, 0x1d, 27], true, der(0x02, Buffer.from([1]))),
      'is a delta or has another critical extension that is not supported',
    ],
    [
      'about authorities alone',
      withExtension([0x55, 0x1d, 28], true, der(0x30, der(0x82, Buffer.from([0xff])))),
      'speaks for some certificates or some reasons only, which is not supported',
    ],
    [
      'of other authorities too',
      withExtension([0x55, 0x1d, 28], true, der(0x30, der(0x84, Buffer.from([0xff])))),
      'speaks for some certificates or some reasons only, which is not supported',
    ],
    // of these the signature is what is wrong
    [
      'about users',
      withExtension([0x55, 0x1d, 28], true, der(0x30, der(0x81, Buffer.from([0xff])))),
      'is not signed by any of the client authorities',
    ],
    [
      'numbered',
      withExtension([0x55, 0x1d, 20], false, der(0x02, Buffer.from([1]))),
      'is not signed by any of the client authorities',
    ],
  ]
  for (const [what, text, message] of rows) {
    it(`is judged by what it says of itself: ${what}`, () => {
      const parsed = parseConfig('downstream_mtls: { ca: env:CA, crl: env:CRL }\nroutes: []', {
        env: { CA: root.cert, CRL: text },
      })
      assert.ok('problems' in parsed)
      assert.deepEqual(
        parsed.problems.map((problem) => problem.message),
        [`the revocation list ${message}`],
      )
    })
  }
})

/** The elements that one holds, by the test's own reading. */
function parts(bytes: Buffer): Buffer[] {
  const headerOf = (at: number) => {
    const first = bytes[at + 1] ?? 0
    const count = first < 0x80 ? 0 : first & 0x7f
    return { from: at + 2 + count, length: count === 0 ? first : bytes.readUIntBE(at + 2, count) }
  }
  const found: Buffer[] = []
  for (let at = headerOf(0).from; at < bytes.length; ) {
    const { from, length } = headerOf(at)
    found.push(bytes.subarray(at, from + length))
    at = from + length
  }
  return found
}
