import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createClientAuthority } from '../../config/client-authority.fixture.ts'
import { openKeyring, openStore } from '../../session/open-state.ts'
import { doctor } from './doctor.ts'
import type { Finding } from './finding.ts'

const folder = mkdtempSync(join(tmpdir(), 'sp-doctor-'))
const stop = new AsyncDisposableStack()
after(async () => {
  await stop.disposeAsync()
  rmSync(folder, { recursive: true, force: true })
})

/** What the provider answers to a sign-in, and its clock. */
let signIn = 302
let date: string | undefined
let issuer = ''
const portOf = (server: Server): number => {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Free a moment ago; nothing is started on them. */
let [freePort, healthPort] = [0, 0]

async function aFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

before(async () => {
  freePort = await aFreePort()
  healthPort = await aFreePort()
  const server = createServer((request, response) => {
    if (date !== undefined) response.setHeader('date', date)
    if (request.url?.startsWith('/auth') === true)
      return response.writeHead(signIn, { location: '/login' }).end()
    const metadata = {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
    }
    const isKeys = request.url?.startsWith('/jwks') === true
    return response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify(isKeys ? { keys: [] } : metadata))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stop.defer(() => new Promise<void>((resolve) => server.close(() => resolve())))
  stop.defer(() => server.closeAllConnections())
  issuer = `http://127.0.0.1:${portOf(server)}`
  const envoy = join(folder, 'envoy')
  writeFileSync(envoy, '#!/bin/sh\necho "envoy  version: 0/1.40.0/Clean/RELEASE/BoringSSL"\n')
  chmodSync(envoy, 0o755)
})

async function findings(settings: object = {}, route: object = {}, env: Record<string, string> = {}) {
  const file = join(folder, 'config.yaml')
  const document = {
    address: `127.0.0.1:${freePort}`,
    health_check_addr: `127.0.0.1:${healthPort}`,
    authenticate_service_url: 'https://authenticate.localhost',
    idp_provider: 'oidc',
    idp_provider_url: issuer,
    idp_client_id: 'client',
    idp_client_secret: 'secret',
    ...settings,
    routes: [{ from: 'https://app.localhost', to: issuer, allow_any_authenticated_user: true, ...route }],
  }
  writeFileSync(file, JSON.stringify(document), { mode: 0o600 })
  let said = ''
  const terminal = {
    stdout: { write: (text: string) => (said += text) },
    env: { ENVOY_PATH: join(folder, 'envoy'), ...env },
  }
  const code = await doctor({ config: file, json: true }, terminal)
  const found: readonly Finding[] = JSON.parse(said)
  const bad = found.filter(({ state }) => state !== 'ok')
  for (const { fix, link } of bad) assert.ok(fix !== undefined && fix !== '' && link !== undefined)
  return { code, found, bad: bad.map(({ check, state, message }) => `${state} ${check}: ${message}`) }
}

describe('sallyport doctor', () => {
  it('finds nothing where all is well, and says what it has looked at', async () => {
    const { code, bad, found } = await findings()
    assert.deepEqual([code, bad], [0, []])
    assert.deepEqual(
      [...new Set(found.map(({ check }) => check))],
      ['certificates', 'permissions', 'ports', 'envoy', 'upstreams', 'provider', 'redirect-uri', 'clock'],
    )
  })

  it('tells a host without an address', async () => {
    const { code, bad } = await findings({}, { from: 'https://app.invalid' })
    assert.equal(code, 1)
    assert.match(bad.join(), /^problem dns: app\.invalid has no address \(E\w+\), so nobody reaches it/)
  })

  it('tells an upstream that does not answer, and goes on', async () => {
    const { code, bad } = await findings({}, { to: ['http://127.0.0.1:9', issuer] })
    assert.equal(code, 0, 'people may still open other apps')
    assert.deepEqual(bad, [
      "warning upstreams: 127.0.0.1:9 of https://app.localhost can't be reached (ECONNREFUSED)",
    ])
  })

  it('tells a provider that is another, refuses the redirect URI, or lives in another time', async () => {
    assert.match(
      (await findings({ idp_provider_url: `${issuer}/other` })).bad.join(),
      /^problem provider: default: /,
    )
    assert.match(
      (await findings({ idp_provider_url: 'http://127.0.0.1:9' })).bad.join(),
      /^problem provider: default: /,
    )
    signIn = 400
    const { bad, found } = await findings()
    signIn = 302
    assert.match(
      bad.join(),
      /^problem redirect-uri: default: the provider refuses a sign-in \(400\) of client client/,
    )
    const [{ fix = '' } = assert.fail()] = found.filter(({ check }) => check === 'redirect-uri')
    assert.match(fix, /register exactly https:\/\/authenticate\.localhost\/oauth2\/callback/)
    date = new Date(Date.now() - 3_600_000).toUTCString()
    const late = await findings()
    date = undefined
    assert.match(late.bad.join(), /^problem clock: 3\d{3} s from that of default$/)
  })

  it('tells a certificate that has expired', async () => {
    const authority = await createClientAuthority('Test')
    const { cert, key } = await authority.issue({
      names: ['app.localhost', 'authenticate.localhost'].map((value) => ({ type: 'dns' as const, value })),
      notBefore: new Date(Date.now() - 9e8),
      notAfter: new Date(Date.now() - 9e7),
    })
    const { code, bad } = await findings({ certificates: [{ cert, key }] })
    assert.equal(code, 1)
    assert.match(
      bad.join(),
      /^problem certificates: certificates\[0\]: the certificate for app\.localhost expired/,
    )
  })

  it('tells a port that is taken, but not by the Sallyport of the same folder', async () => {
    const address = `127.0.0.1:${new URL(issuer).port}`
    const { bad } = await findings({ address })
    assert.match(bad.join(), /^problem ports: address: 127\.0\.0\.1:\d+ is in use/)
    const stateDir = join(folder, '.sallyport')
    const store = await openStore(
      stateDir,
      openKeyring({ shared_secret: undefined, cookie_secret: undefined }, stateDir),
    )
    assert.deepEqual((await findings({ address })).bad, [])
    await store[Symbol.asyncDispose]()
  })

  it('tells a state folder that others can read', async () => {
    const stateDir = join(folder, '.sallyport')
    mkdirSync(stateDir, { recursive: true })
    chmodSync(stateDir, 0o755)
    const { bad } = await findings()
    chmodSync(stateDir, 0o700)
    assert.match(bad.join(), /^problem permissions: \S+ can be read by others/)
  })

  it('tells an Envoy that is none, and a configuration with mistakes', async () => {
    assert.match(
      (await findings({}, {}, { ENVOY_PATH: join(folder, 'nothing') })).bad.join(),
      /^problem envoy: /,
    )
    const { code, bad } = await findings({ address: 'nonsense:nonsense' })
    assert.equal(code, 1)
    assert.match(bad.join(), /^problem config: [^,]*address/)
  })
})
