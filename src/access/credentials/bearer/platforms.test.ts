import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { openLocalCa } from '../../../crypto/x509/local-ca.ts'
import type { TestIssuer } from './issuer.fixture.ts'
import { openWorld } from './world.fixture.ts'

const spiffe = ({ url }: TestIssuer) => ({
  preset: 'spiffe',
  issuer: undefined,
  trust_domain: 'prod.example.com',
  jwks_url: `${url}/keys`,
})
const kubernetes = () => ({ preset: 'kubernetes', issuer: undefined })

describe('SPIFFE', () => {
  const SVID = {
    iss: undefined,
    iat: undefined,
    nbf: undefined,
    sub: 'spiffe://prod.example.com/ns/shop/sa/web',
  }

  it('names workloads by their SPIFFE ID; its tokens need no issuer, and its bundle tells whose keys they are', async () => {
    await using world = await openWorld(spiffe)
    const { use: _, ...jwk } = world.issuer.jwk
    world.issuer.keys = {
      spiffe_sequence: 1,
      keys: [
        { ...jwk, use: 'jwt-svid' },
        { kty: 'EC', use: 'x509-svid', crv: 'P-256', x5c: ['AAAA'] },
      ],
    }
    const session = await world.ask(await world.issuer.token(SVID))
    assert.ok(!('problem' in session))
    assert.equal(session.userId, 'ci/spiffe://prod.example.com/ns/shop/sa/web')
    assert.ok(!('problem' in (await world.ask(await world.issuer.token({ ...SVID, iss: 'spire' })))))
  })

  it('does not take a key for X.509 for one that signs tokens', async () => {
    await using world = await openWorld(spiffe)
    world.issuer.keys = { keys: [{ ...world.issuer.jwk, use: 'x509-svid' }] }
    assert.match(await world.problem(await world.issuer.token(SVID)), /signature/)
  })

  it('refuses ids of other trust domains, and what only looks like one of ours', async () => {
    await using world = await openWorld(spiffe)
    world.issuer.keys = { keys: [{ ...world.issuer.jwk, use: 'jwt-svid' }] }
    for (const sub of [
      'spiffe://dev.example.com/ns/shop',
      'spiffe://prod.example.com.evil/ns/shop',
      'spiffe://prod.example.com',
      'spiffe://prod.example.com/',
      'spiffe://prod.example.com/../x',
      'spiffe://prod.example.com/a//b',
      'SPIFFE://prod.example.com/a',
      'https://prod.example.com/a',
    ])
      assert.match(
        await world.problem(await world.issuer.token({ ...SVID, sub })),
        /not known here|SPIFFE ID/,
        sub,
      )
    assert.match(await world.problem(await world.issuer.token({ ...SVID, aud: undefined })), /aud/)
    assert.match(await world.problem(await world.issuer.token({ ...SVID, exp: undefined })), /exp/)
  })
})

describe('the cluster that Sallyport runs in', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sp-pod-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  it('is asked for its keys as a pod asks, and names its own issuer', async () => {
    // No API server can be had here: a TLS server plays its one endpoint.
    const ca = await openLocalCa(join(folder, 'ca'), { constrainedTo: [] })
    const { cert, key } = await ca.issue(['localhost'])
    const asked: (string | undefined)[] = []
    await using world = await openWorld(kubernetes, { podFolder: folder, env: {} })
    const server = createServer({ cert, key }, (request, response) => {
      asked.push(`${request.url} ${request.headers.authorization}`)
      response.end(JSON.stringify(world.issuer.keys))
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    after(() => server.close())
    const env = {
      KUBERNETES_SERVICE_HOST: 'localhost',
      KUBERNETES_SERVICE_PORT: String((server.address() as AddressInfo).port),
    }
    const iss = 'https://kubernetes.default.svc.cluster.local'
    const own = await world.issuer.token({ iss })
    writeFileSync(join(folder, 'token'), `${own}\n`)
    writeFileSync(join(folder, 'ca.crt'), ca.certificatePem)
    await using inside = await openWorld(kubernetes, { podFolder: folder, env })
    const sub = 'system:serviceaccount:shop:web'
    const session = await inside.ask(await world.issuer.token({ iss, sub }))
    assert.ok(!('problem' in session))
    assert.equal(session.userId, `ci/${sub}`)
    assert.deepEqual(asked, [`/openid/v1/jwks Bearer ${own}`])
    assert.match(await inside.problem(await inside.issuer.token()), /issuer \(iss\) is not known/)
  })

  it('outside of one knows no token', async () => {
    await using world = await openWorld(kubernetes, { podFolder: join(folder, 'nowhere') })
    assert.match(await world.problem(await world.issuer.token()), /issuer \(iss\) is not known/)
  })
})
