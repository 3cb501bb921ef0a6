/**
 * The compose set-up of the repository on a real Docker engine, as people meet it: a first look at the demo.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Engine } from '../harness/docker-engine.ts'
import { tempDir } from '../harness/ports.ts'
import { until } from '../harness/until.ts'
import { UserAgent } from '../harness/user-agent.ts'
import {
  crash,
  edit,
  startEngineAgain,
  startTestEngine,
  untilHealthy,
  untilStatus,
  up,
} from './compose-stack.ts'
import { EARLIER, EARLIER_IMAGE, IMAGE } from './images.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const APP = 'https://app.localhost:8443/'
const SALLYPORT = 'sallyport-sallyport-1'
const ENVOY = 'sallyport-envoy-1'
const WITH_HEALTH = [ENVOY, SALLYPORT, 'sallyport-idp-1', 'sallyport-app-1']
const ALL = [...WITH_HEALTH, 'sallyport-network-1']
const READ_CA = "process.stdout.write(require('node:fs').readFileSync('/var/lib/sallyport/ca/local-ca.pem'))"

const stop = new AsyncDisposableStack()
after(async () => {
  await engine.compose(folder, ['down', '--volumes', '--timeout', '2']).catch(() => undefined)
  await stop.disposeAsync()
})

let engine: Engine
let folder = ''
let ca = ''

const agent = (): UserAgent => new UserAgent({ ca })
const wasAsked = (user: UserAgent): boolean => user.hops.some(({ url }) => url.hostname === 'idp.localhost')

async function start(): Promise<void> {
  await up(engine, folder, WITH_HEALTH)
  ca = await engine.docker(['exec', SALLYPORT, 'node', '-e', READ_CA])
}

/** Opens the app as somebody who signs in when asked to. */
async function signIn(user: UserAgent, who = 'alice') {
  const page = await user.visit(APP)
  if (page.url.hostname !== 'idp.localhost') return page
  return await user.submit(page, {}, { pick: (form) => JSON.stringify(form).includes(who) })
}

before(async () => {
  engine = stop.use(await startTestEngine())
  folder = stop.use(await tempDir('compose')).path
  for (const path of ['docker-compose.yml', 'envoy/bootstrap.yaml', 'examples/compose'])
    cpSync(join(ROOT, path), join(folder, path), { recursive: true })
})

describe('docker compose up in the repository', () => {
  it('keeps the state of an earlier image: who was signed in stays so after the upgrade', async () => {
    const file = join(folder, 'docker-compose.yml')
    const now = readFileSync(file, 'utf8')
    const show = ['show', `${EARLIER}:docker-compose.yml`]
    const earlier = execFileSync('git', show, { cwd: ROOT, encoding: 'utf8' })
    writeFileSync(file, earlier.replaceAll(/image: sallyport:\S+/g, `image: ${EARLIER_IMAGE}`))
    await start()
    const user = agent()
    assert.match((await signIn(user)).text, /alice@/)

    await engine.compose(folder, ['down', '--timeout', '5'])
    writeFileSync(file, now)
    await start()
    assert.equal(
      (await engine.inspect(SALLYPORT)).Config.Labels['org.opencontainers.image.title'],
      'Sallyport',
    )
    await untilStatus(user, APP, 200, 'the app to answer after the upgrade')
    assert.ok(!wasAsked(user), 'nobody signs in again')
  })

  it('ends with everything healthy, and people sign in', async () => {
    for (const container of WITH_HEALTH)
      assert.equal((await engine.inspect(container)).State.Health?.Status, 'healthy', container)
    const page = await signIn(agent())
    assert.equal(page.status, 200, page.text)
    assert.match(page.text, /alice@/)
    assert.equal((await signIn(agent(), 'bob')).status, 403)
  })

  it('runs nothing as root, with a capability, or with a file system that can be written', async () => {
    for (const container of ALL) {
      const { Config, HostConfig, State } = await engine.inspect(container)
      assert.equal(Config.User, '65532:65532', container)
      assert.deepEqual(
        [HostConfig.ReadonlyRootfs, HostConfig.CapDrop, HostConfig.SecurityOpt],
        [true, ['ALL'], ['no-new-privileges:true']],
        container,
      )
      const status = readFileSync(`/proc/${State.Pid}/status`, 'utf8')
      for (const line of [
        /^Uid:\s+65532\s+65532/m,
        /^CapEff:\s+0+$/m,
        /^CapBnd:\s+0+$/m,
        /^NoNewPrivs:\s+1$/m,
      ])
        assert.match(status, line, container)
    }
    const write = "require('node:fs').writeFileSync('/opt/sallyport/x', '')"
    const { code, stderr } = await engine.dockerToEnd(['exec', SALLYPORT, 'node', '-e', write])
    assert.notEqual(code, 0)
    assert.match(stderr, /EROFS/)
  })

  it('takes an edit while it runs', async () => {
    const user = agent()
    await signIn(user)
    const config = join(folder, 'examples/compose/config.yaml')
    edit(config, (text) => text.replace('has: staff', 'has: guests'))
    await untilStatus(user, APP, 403, 'the edit to apply')
    edit(config, (text) => text.replace('has: guests', 'has: staff'))
    await untilStatus(user, APP, 200, 'the edit to be undone')
  })

  for (const [what, container] of [
    ['Sallyport', SALLYPORT],
    ['Envoy', ENVOY],
  ] as const)
    it(`heals after a crash of ${what}: who is signed in stays so, and others can sign in`, async () => {
      const user = agent()
      await signIn(user)
      await crash(engine, container)
      await untilStatus(user, APP, 200, 'the app to answer again')
      assert.ok(!wasAsked(user), 'nobody signs in again')
      await until(async () => (await signIn(agent()).catch(() => undefined))?.status === 200, {
        what: 'somebody else to sign in',
        withinMs: 60_000,
        everyMs: 500,
      })
    })

  it('keeps people signed in over a restart of all', async () => {
    const user = agent()
    await signIn(user)
    await engine.compose(folder, ['restart', '--timeout', '5'])
    await untilStatus(user, APP, 200, 'the app to answer again')
    assert.ok(!wasAsked(user))
  })

  it('is whole again after a restart of the container that holds the network', async () => {
    await engine.compose(folder, ['restart', '--timeout', '5', 'network'])
    await untilHealthy(engine, WITH_HEALTH)
    await until(async () => (await signIn(agent()).catch(() => undefined))?.status === 200, {
      what: 'somebody to sign in',
      withinMs: 60_000,
      everyMs: 500,
    })
  })

  it('comes back by itself when the engine is started again, and nobody signs in again', async () => {
    const user = agent()
    await signIn(user)
    await engine[Symbol.asyncDispose]()
    engine = stop.use(await startEngineAgain())
    await untilHealthy(engine, WITH_HEALTH)
    await untilStatus(user, APP, 200, 'the app to answer again')
    assert.ok(!wasAsked(user))
    assert.match((await signIn(agent())).text, /alice@/)
  })

  it('stops within the time that Docker gives, as a success', async () => {
    await engine.docker(['stop', SALLYPORT])
    const { State } = await engine.inspect(SALLYPORT)
    assert.deepEqual([State.ExitCode, State.OOMKilled], [0, false])
  })
})

describe('the image', () => {
  it('has 140 MB at most, no shell, and names what it is', async () => {
    const size = await engine.docker(['image', 'inspect', '--format', '{{.Size}}', IMAGE])
    assert.ok(Number(size) <= 140_000_000, size)
    const labels = await engine.docker(['image', 'inspect', '--format', '{{json .Config.Labels}}', IMAGE])
    assert.match(labels, /"org\.opencontainers\.image\.licenses":"Apache-2\.0"/)
    const { code, stderr } = await engine.dockerToEnd(['run', '--rm', '--entrypoint', '/bin/sh', IMAGE])
    assert.notEqual(code, 0)
    assert.match(stderr, /no such file/)
  })

  it('runs each command of Sallyport, without network and without a file to write', async () => {
    const sandbox = ['run', '--rm', '--network', 'none', '--read-only', '--cap-drop', 'ALL']
    assert.match(await engine.docker([...sandbox, IMAGE, 'version']), /^sallyport \d/)
    const mount = `${join(ROOT, 'examples/compose')}:/etc/sallyport:ro`
    const validate = ['validate', '-c', '/etc/sallyport/config.yaml']
    assert.match(await engine.docker([...sandbox, '--volume', mount, IMAGE, ...validate]), /no mistakes/)
  })

  it('trusts the usual authorities, and has them as a file', async () => {
    const ask =
      "console.log(require('node:tls').rootCertificates.length, require('node:fs').statSync('/etc/ssl/certs/ca-certificates.crt').size)"
    const said = await engine.docker([
      'run',
      '--rm',
      '--network',
      'none',
      '--entrypoint',
      'node',
      IMAGE,
      '-e',
      ask,
    ])
    const [count = 0, bytes = 0] = said.split(' ').map(Number)
    assert.ok(count > 100 && bytes > 100_000, said)
  })

  it('says which folder can not be written, when a state has no volume', async () => {
    const mount = `${join(ROOT, 'examples/compose')}:/etc/sallyport:ro`
    const readOnly = ['--read-only', '--tmpfs', '/run/sallyport:uid=65532,mode=0700', '--volume', mount]
    const state = ['--volume', `${folder}:/var/lib/sallyport:ro`]
    const { code, stderr } = await engine.dockerToEnd(['run', '--rm', ...readOnly, ...state, IMAGE])
    assert.equal(code, 1)
    assert.match(stderr, /\/var\/lib\/sallyport\S*: .*can't be read or made/)
  })
})
