import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ALWAYS, createClientAuthority } from '../config/client-authority.fixture.ts'
import { authorizerFor, configOf, STAFF_ROUTE } from './authorizer.fixture.ts'
import { CLIENTS } from './client-certificate.fixture.ts'

const TEMPLATES = {
  'X-Cert': '$pomerium.client_cert_fingerprint',
  'X-Dns': '$pomerium.client_cert_san_dns',
  'X-Email': '<$pomerium.client_cert_san_email>',
  'X-Raw': '$pomerium.request.headers["X-Forwarded-Client-Cert"]',
}
const PUBLIC_ROUTE = {
  from: 'https://app.example.com',
  to: 'http://127.0.0.1:1',
  allow_public_unauthenticated_access: true,
  set_request_headers: TEMPLATES,
}
const shown = (header?: string, accept = 'application/json') => ({
  headers: { accept, ...(header !== undefined && { 'x-forwarded-client-cert': header }) },
})
const withMtls = (mtls: object = {}, route: object = PUBLIC_ROUTE, settings: object = {}) =>
  authorizerFor(
    configOf([route], {
      insecure_server: false,
      downstream_mtls: { ...CLIENTS.settings.downstream_mtls, ...mtls },
      ...settings,
    }),
  )
const namesIn = ({ headers }: { readonly headers: Readonly<Record<string, string>> }) =>
  ['x-cert', 'x-dns', 'x-email', 'x-raw'].map((name) => headers[name])

describe('where client certificates are asked for', () => {
  it('an app is told of a valid one what its route wants told, and never gets the header itself', async () => {
    using fixture = withMtls()
    const answer = await fixture.ask(shown(CLIENTS.good))
    assert.ok(answer.isAllowed)
    assert.deepEqual(namesIn(answer), [
      CLIENTS.goodFingerprint,
      'ci.example.com,ci2.example.com',
      '<ci@example.com>',
      '',
    ])
    assert.ok(answer.removed.includes('x-forwarded-client-cert'))
  })

  it('an app is told nothing of another, where its policy lets it pass', async () => {
    using fixture = withMtls({ enforcement: 'policy' })
    for (const header of [CLIENTS.foreign, undefined]) {
      const answer = await fixture.ask(shown(header))
      assert.deepEqual(namesIn(answer), ['', '', '<>', ''])
      assert.ok(answer.removed.includes('x-forwarded-client-cert'))
    }
  })

  it('no answer is used again for another certificate', async () => {
    // Nothing of the header itself: by that alone the answers would differ.
    const { 'X-Raw': _raw, ...set_request_headers } = TEMPLATES
    using fixture = withMtls({ enforcement: 'policy' }, { ...PUBLIC_ROUTE, set_request_headers })
    const order = [CLIENTS.good, CLIENTS.other, undefined, CLIENTS.foreign, CLIENTS.good, CLIENTS.foreign]
    const seen: (string | undefined)[] = []
    for (const header of order) seen.push((await fixture.ask(shown(header))).headers['x-cert'])
    const { goodFingerprint: good, otherFingerprint: other } = CLIENTS
    assert.deepEqual(seen, [good, other, '', '', good, ''])
    assert.equal(await fixture.bytes(shown(CLIENTS.good)), await fixture.bytes(shown(CLIENTS.good)))
  })

  it('a header that holds no chain is a certificate that can’t be read', async () => {
    using fixture = withMtls({}, PUBLIC_ROUTE, { authorize_log_fields: ['client-certificate'] })
    for (const header of ['', 'Hash=00', 'Chain="', 'Chain="%"', `Subject=";Chain="${CLIENTS.good}`]) {
      const { status, body } = await fixture.ask(shown(header))
      assert.equal(status, 495, header)
      assert.match(body, /invalid_client_certificate/)
    }
  })

  it('the refusal says what is missing, in the shape that the requester reads', async () => {
    using fixture = withMtls({}, STAFF_ROUTE)
    const page = await fixture.ask(shown(undefined, 'text/html'))
    assert.equal(page.status, 495)
    assert.match(page.body, /A client certificate is needed/)
    const json = await fixture.ask(shown(CLIENTS.foreign))
    assert.match(json.body, /"error":"invalid_client_certificate".*"missing":\["certificate"\]/)
    const grpc = await fixture.ask({ headers: { 'content-type': 'application/grpc' } })
    assert.equal(grpc.status, 401)
  })

  it('the decision log tells which one was shown, and why it did not count', async () => {
    using fixture = withMtls({}, PUBLIC_ROUTE, { authorize_log_fields: ['client-certificate'] })
    for (const header of [CLIENTS.good, CLIENTS.foreign, undefined]) await fixture.ask(shown(header))
    const [good, foreign, none] = fixture.lines
    assert.deepEqual(good?.['client-certificate'], {
      fingerprint: CLIENTS.goodFingerprint,
      validity: 'valid',
      subject: 'CN=ci',
    })
    assert.match(JSON.stringify(foreign?.['client-certificate']), /"reason":"untrusted"/)
    assert.deepEqual(foreign?.['deny-why-true'], ['invalid-client-certificate'])
    assert.ok(none !== undefined && !('client-certificate' in none))
    assert.deepEqual(none['deny-why-true'], ['client-certificate-required'])
  })

  it('an authority of the route counts instead of the global ones', async () => {
    const own = await createClientAuthority('Own', ALWAYS)
    using fixture = withMtls({}, { ...PUBLIC_ROUTE, tls_downstream_client_ca: own.cert })
    assert.equal((await fixture.ask(shown(CLIENTS.good))).status, 495)
    const chain = encodeURIComponent((await own.issue(ALWAYS)).cert)
    assert.ok((await fixture.ask(shown(`Chain="${chain}"`))).isAllowed)
  })

  it('routes without an authority demand none', async () => {
    const own = await createClientAuthority('Own', ALWAYS)
    using fixture = authorizerFor(
      configOf([PUBLIC_ROUTE, { ...PUBLIC_ROUTE, prefix: '/own', tls_downstream_client_ca: own.cert }], {
        insecure_server: false,
      }),
    )
    assert.ok((await fixture.ask(shown())).isAllowed)
    const routeId = fixture.config.routes[1]?.id ?? ''
    assert.equal((await fixture.ask({ ...shown(), routeId })).status, 495)
  })
})

it('where they are not asked for, the header is a client’s own and is taken off', async () => {
  using fixture = authorizerFor(configOf([PUBLIC_ROUTE]))
  const answer = await fixture.ask(shown(CLIENTS.good))
  assert.deepEqual(namesIn(answer), ['', '', '<>', ''])
  assert.ok(answer.removed.includes('x-forwarded-client-cert'))
})
