/**
 * The processes: what dies, what is left, and that nothing is ever allowed because something is down.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { findEnvoy } from '../../envoy/find.ts'
import { request } from '../harness/http-client.ts'
import { openStream } from '../harness/live-stream.ts'
import { type RunningProcess, startProcess } from '../harness/process.ts'
import { PUBLIC, STAFF_ONLY, type Stack, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const isAlive = async (pid: number): Promise<boolean> => {
  try {
    return !(await readFile(`/proc/${pid}/stat`, 'utf8')).includes(') Z ')
  } catch {
    return false
  }
}

const routes = ({ upstream, url }: Pick<Stack, 'upstream' | 'url'>) => [
  { from: url('app', ''), to: upstream.url, ...STAFF_ONLY },
  { from: url('public', ''), to: upstream.url, ...PUBLIC },
]

describe('a managed Envoy', () => {
  it('ends with Sallyport on Ctrl-C, and nothing is left but the state', async () => {
    await using stack = await startStack({ routes })
    const { sallyport } = stack
    const below = sallyport.descendants()
    assert.ok(below.length >= 1, 'an Envoy runs')
    sallyport.process.signal('SIGINT', 'group')
    const exit = await sallyport.process.exited
    assert.ok(exit.code === 0 || exit.code === 130, JSON.stringify(exit))
    for (const pid of below) {
      await until(async () => !(await isAlive(pid)), { what: `process ${pid} to end`, withinMs: 3_000 })
    }
    assert.ok(existsSync(join(sallyport.stateDir, 'sallyport.db')))
  })

  it('ends with SIGTERM to Sallyport alone, as a service manager sends it', async () => {
    await using stack = await startStack({ routes })
    const below = stack.sallyport.descendants()
    stack.sallyport.process.signal('SIGTERM')
    const exit = await stack.sallyport.process.exited
    assert.ok(exit.code === 0 || exit.code === 143, JSON.stringify(exit))
    for (const pid of below) {
      await until(async () => !(await isAlive(pid)), { what: `process ${pid} to end`, withinMs: 3_000 })
    }
  })

  it('that is killed comes back, and the old sessions are good', async () => {
    await using stack = await startStack({ routes })
    const agent = stack.agent()
    assert.equal((await stack.signIn(agent, stack.url('app'))).status, 200)
    const [envoy = 0] = stack.sallyport.descendants()
    process.kill(envoy, 'SIGKILL')
    await until(async () => (await agent.fetch(stack.url('app'))).status === 200, {
      what: 'a new Envoy to serve',
      withinMs: 10_000,
    })
  })

  it('keeps private what it keeps: sockets, keys and the database are for the owner alone', async () => {
    await using stack = await startStack({ routes })
    const state = stack.sallyport.stateDir
    for (const path of [state, join(state, 'run'), join(state, 'sallyport.db')]) {
      const { mode } = await stat(path)
      assert.equal(mode & 0o077, 0, `${path} has mode ${(mode & 0o777).toString(8)}`)
    }
  })

  it('answers 503 and leaves the upstream alone while Sallyport hangs', async () => {
    await using stack = await startStack({ routes, settings: { grpc_client_timeout: '500ms' } })
    const agent = stack.agent()
    await stack.signIn(agent, stack.url('app'))
    stack.upstream.drain()
    stack.sallyport.process.signal('SIGSTOP')
    try {
      for (const host of ['app', 'public']) {
        assert.equal((await agent.fetch(stack.url(host))).status, 503)
      }
      assert.equal(stack.upstream.drain(), 0)
    } finally {
      stack.sallyport.process.signal('SIGCONT')
    }
    await until(async () => (await agent.fetch(stack.url('app'))).status === 200, {
      what: 'it to go on',
      withinMs: 5_000,
    })
  })
})

describe('the split of the containers', () => {
  let envoy: RunningProcess | undefined
  after(async () => await envoy?.stop())

  it('serves with an Envoy that was started on its own with the shipped bootstrap, and fails closed without Sallyport', async () => {
    await using stack = await startStack({
      routes,
      serve: { envoy: 'external', untilReady: false },
      // in the containers this is a volume, which is there before either process
      beforeServe: async ({ folder }) => {
        await mkdir(join(folder, '.sallyport', 'run'), { recursive: true, mode: 0o700 })
      },
    })
    const { path } = await findEnvoy({ env: process.env })
    const shipped = await readFile(join(import.meta.dirname, '..', '..', 'envoy', 'bootstrap.yaml'), 'utf8')
    const run = join(stack.sallyport.stateDir, 'run')
    assert.ok(shipped.includes('/run/sallyport'), 'the shipped bootstrap names the shared volume')
    const bootstrap = join(stack.folder, 'bootstrap.yaml')
    await writeFile(bootstrap, shipped.replaceAll('/run/sallyport', run))
    envoy = startProcess({
      name: 'Envoy',
      command: path,
      args: ['-c', bootstrap, '--disable-hot-restart', '--log-level', 'warn', '--concurrency', '1'],
    })
    await until(() => stack.sallyport.isReady(), { what: 'Sallyport and Envoy to meet', withinMs: 20_000 })
    assert.equal(stack.sallyport.descendants().length, 0, 'Sallyport started no Envoy of its own')

    const agent = stack.agent()
    assert.equal((await stack.signIn(agent, stack.url('app'))).status, 200)
    const cookie = agent.jar.header(new URL(stack.url('app'))) ?? ''
    const statusOf = async (host: string): Promise<number> =>
      (await request({ url: stack.url(host), headers: { cookie }, ca: stack.ca.cert })).status

    // Streams go on over a restart; those that are opened after it can be ended.
    const open = async () =>
      await openStream('events over HTTP/2', {
        url: stack.url('app', ''),
        ca: stack.ca.cert,
        headers: { cookie },
      })
    using before = await open()
    await stack.restart()
    await until(async () => (await statusOf('app')) === 200, { what: 'the restart', withinMs: 15_000 })
    await before.alive()
    using later = await open()

    stack.upstream.drain()
    stack.sallyport.process.signal('SIGKILL')
    await stack.sallyport.process.exited
    for (const host of ['app', 'public']) assert.equal(await statusOf(host), 503, host)
    assert.equal(stack.upstream.drain(), 0, 'no byte reached the upstream')

    await stack.restart()
    await until(async () => (await statusOf('app')) === 200, {
      what: 'the session to be good again',
      withinMs: 15_000,
    })
    for (const stream of [before, later]) await stream.alive()
    using last = await open()
    await agent.visit(stack.url('app', '/.pomerium/sign_out'))
    assert.equal(await last.ended, 'reset 2')
  })
})
