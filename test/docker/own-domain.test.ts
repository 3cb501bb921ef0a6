/**
 * The compose set-up that `sallyport init` writes, on a real Docker engine: certificates of one's own that are
 * renewed, low ports, mistakes, and the upgrade from an earlier image.
 *
 * The OpenID provider is one of this process. Sallyport shares its network, so that both reach it under one
 * address; everything else is as the files have it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chownSync, copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect } from 'node:tls'
import type { Engine } from '../harness/docker-engine.ts'
import { tempDir } from '../harness/ports.ts'
import { type RealProvider, startRealProvider } from '../harness/real-provider.ts'
import { sallyportCli } from '../harness/sallyport.ts'
import { createTestCa, type TestCa } from '../harness/test-ca.ts'
import { until } from '../harness/until.ts'
import { UserAgent } from '../harness/user-agent.ts'
import { edit, startTestEngine, untilStatus, up } from './compose-stack.ts'
import { EARLIER, EARLIER_IMAGE, IMAGE } from './images.ts'

const DOMAIN = 'corp.localhost'
const APP = `https://app.${DOMAIN}/`
/** Whom `init` makes the files for when root runs it. */
const USER = 65_532
const SALLYPORT = 'sallyport-sallyport-1'
const ENVOY = 'sallyport-envoy-1'
const NAMES = [`app.${DOMAIN}`, `authenticate.${DOMAIN}`]

const stop = new AsyncDisposableStack()
after(() => stop.disposeAsync())

let engine: Engine
let provider: RealProvider
let ca: TestCa
let folder = ''
const config = (): string => join(folder, 'config.yaml')

const agent = (): UserAgent => new UserAgent({ ca: ca.cert })
const wasAsked = (user: UserAgent): boolean => user.hops.some(({ url }) => url.origin === provider.issuer)

async function signIn(user: UserAgent) {
  const page = await user.visit(APP)
  return page.url.origin === provider.issuer ? await user.submit(page, { login: 'alice' }) : page
}

/** For the containers' user, and whole at once. */
function put(name: string, text: string): void {
  const path = join(folder, name)
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  chownSync(`${path}.new`, USER, USER)
  renameSync(`${path}.new`, path)
}

async function renewCertificate(): Promise<void> {
  const { cert, key } = await ca.issue({ names: NAMES })
  put('certs/edge.pem', cert)
  put('certs/edge-key.pem', key)
}

async function servedSerial(): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect({ host: '127.0.0.1', port: 443, servername: `app.${DOMAIN}`, ca: ca.cert }, () => {
    resolve(socket.getPeerCertificate().serialNumber)
    socket.destroy()
  }).once('error', reject)
  return await promise
}

before(async () => {
  engine = stop.use(await startTestEngine())
  ca = await createTestCa()
  provider = stop.use(
    await startRealProvider({ redirectUris: [`https://authenticate.${DOMAIN}/oauth2/callback`] }),
  )
  const home = stop.use(await tempDir('own')).path
  folder = join(home, 'edge')
  stop.defer(async () => {
    await engine.compose(folder, ['down', '--volumes', '--timeout', '2']).catch(() => undefined)
  })
  // By the image itself, as people do who have nothing else of Sallyport.
  const init = ['init', '/home/edge', '--domain', DOMAIN]
  await engine.docker(['run', '--rm', '--user', '0', '--volume', `${home}:/home`, EARLIER_IMAGE, ...init])
  edit(join(folder, '.env'), (text) =>
    text.replace(/^SALLYPORT_VERSION=.*$/m, `SALLYPORT_VERSION=${EARLIER}`),
  )
  writeFileSync(
    join(folder, 'docker-compose.override.yml'),
    'services: { sallyport: { network_mode: host } }\n',
  )
  edit(config(), (text) =>
    text
      .replace('idp_provider_url: FILL-IN', `idp_provider_url: ${provider.issuer}`)
      .replace('idp_client_id: FILL-IN', `idp_client_id: ${provider.clientId}`)
      .replace(
        /^# certificates:\n.*\n.*\n/m,
        'certificates: [{ cert: certs/edge.pem, key: certs/edge-key.pem }]\n',
      )
      .replaceAll(`is: ${DOMAIN}`, 'is: example.com')
      .replace(/^ {4}tests:\n(?: {6}.*\n)+/m, ''),
  )
  put('secrets/idp_client_secret', provider.clientSecret)
  await renewCertificate()
})

describe('docker compose up in a folder of sallyport init', () => {
  it('keeps people signed in over an upgrade of the image, with the compose file of the earlier one', async () => {
    await up(engine, folder, [SALLYPORT, ENVOY])
    const user = agent()
    assert.match((await signIn(user)).text, /alice@/)

    const version = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')).version
    edit(join(folder, '.env'), (text) => text.replace(`=${EARLIER}`, `=${version}`))
    await up(engine, folder, [SALLYPORT, ENVOY])
    await untilStatus(user, APP, 200, 'the app to answer after the upgrade')
    assert.ok(!wasAsked(user), 'nobody signs in again')
    assert.match((await user.visit(APP)).text, /alice@/)
  })

  it('and with the files that the new one writes', async () => {
    const user = agent()
    await signIn(user)
    const fresh = stop.use(await tempDir('new')).path
    const { code, stderr } = await sallyportCli(['init', join(fresh, 'edge'), '--domain', DOMAIN])
    assert.equal(code, 0, stderr)
    for (const name of ['docker-compose.yml', 'bootstrap.yaml'])
      copyFileSync(join(fresh, 'edge', name), join(folder, name))
    await up(engine, folder, [SALLYPORT, ENVOY])
    await untilStatus(user, APP, 200, 'the app to answer')
    assert.ok(!wasAsked(user))
  })

  it('serves 443 by a user who is not root, redirects 80 there, and has the UDP port ready', async () => {
    const { Config, State } = await engine.inspect(ENVOY)
    assert.equal(Config.User, `${USER}:${USER}`)
    assert.match(readFileSync(`/proc/${State.Pid}/status`, 'utf8'), /^CapEff:\s+0+$/m)
    const { status, headers } = await agent().fetch(`http://app.${DOMAIN}/x`)
    assert.deepEqual([status, headers['location']], [301, `${APP}x`])
    assert.match(await engine.docker(['port', ENVOY, '443/udp']), /:443$/m)
  })

  it('serves a renewed certificate without a restart, and nobody signs in again', async () => {
    const user = agent()
    await signIn(user)
    const serial = await servedSerial()
    const { RestartCount } = await engine.inspect(SALLYPORT)
    await renewCertificate()
    await until(async () => (await servedSerial()) !== serial, {
      what: 'the new certificate to be served',
      withinMs: 30_000,
      everyMs: 200,
    })
    await untilStatus(user, APP, 200, 'the app to answer')
    assert.ok(!wasAsked(user))
    assert.equal((await engine.inspect(SALLYPORT)).RestartCount, RestartCount)
  })

  it('names the key of a newer version, keeps serving with the old file, and after a restart says so again', async () => {
    edit(config(), (text) => `${text}\nkey_of_a_newer_version: true\n`)
    const isTold = async (): Promise<boolean> =>
      (await engine.docker(['logs', '--tail', '50', SALLYPORT])).includes('key_of_a_newer_version')
    await until(isTold, { what: 'the log to name the key', withinMs: 30_000, everyMs: 500 })
    assert.match((await signIn(agent())).text, /alice@/)

    await engine.compose(folder, ['down', '--timeout', '5'])
    await assert.rejects(engine.compose(folder, ['up', '--detach', '--no-build', '--wait', 'sallyport']))
    const { stderr, stdout } = await engine.dockerToEnd(['logs', SALLYPORT])
    assert.match(`${stdout}${stderr}`, /config\.yaml:\d+.*key_of_a_newer_version/)
    edit(config(), (text) => text.replace('\nkey_of_a_newer_version: true\n', ''))
    await up(engine, folder, [SALLYPORT, ENVOY])
    assert.match((await signIn(agent())).text, /alice@/)
  })

  it('is backed up while it runs, and restored by the image', async () => {
    const places = ['--config', '/etc/sallyport/config.yaml', '--state-dir', '/var/lib/sallyport']
    const inside = async (...words: readonly string[]): Promise<string> =>
      await engine.docker(['exec', SALLYPORT, 'sallyport', ...words, ...places])
    await inside('service-account', 'create', 'deploy')
    await inside('backup', '/var/lib/sallyport/sallyport.backup')
    await inside('service-account', 'revoke', 'deploy')
    assert.doesNotMatch(await inside('service-account', 'list'), /deploy/)

    await engine.compose(folder, ['down', '--timeout', '5'])
    renameSync(join(folder, 'state/sallyport.backup'), join(folder, 'sallyport.backup'))
    const restore = [
      'restore',
      '/set-up/sallyport.backup',
      '--config',
      '/set-up/config.yaml',
      '--state-dir',
      '/set-up/state',
    ]
    await engine.docker(['run', '--rm', '--user', '0', '--volume', `${folder}:/set-up`, IMAGE, ...restore])
    execFileSync('chown', ['-R', `${USER}:${USER}`, join(folder, 'state')])
    await up(engine, folder, [SALLYPORT, ENVOY])
    assert.match(await inside('service-account', 'list'), /deploy/)
    assert.match((await signIn(agent())).text, /alice@/)
  })

  it('says which file is not for the user of the container', async () => {
    await engine.compose(folder, ['down', '--timeout', '5'])
    chownSync(join(folder, 'secrets', 'shared_secret'), 0, 0)
    await assert.rejects(engine.compose(folder, ['up', '--detach', '--no-build', '--wait', 'sallyport']))
    const { stderr, stdout } = await engine.dockerToEnd(['logs', SALLYPORT])
    assert.match(`${stdout}${stderr}`, /shared_secret.*(?:EACCES|permission)/i)
  })
})
