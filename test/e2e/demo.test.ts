/**
 * The first minute: `serve` in an empty folder is the demo, and does what it says it does.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, describe, it } from 'node:test'
import { tempDir } from '../harness/ports.ts'
import { startProcess } from '../harness/process.ts'
import { programUnderTest } from '../harness/program.ts'
import { descendantsOf } from '../harness/sallyport.ts'
import { until } from '../harness/until.ts'
import { UserAgent } from '../harness/user-agent.ts'

const stop = new AsyncDisposableStack()
after(() => stop.disposeAsync())
const folder = stop.use(await tempDir('demo'))
const demo = stop.use(startProcess({ name: 'demo', ...programUnderTest(['serve']), cwd: folder.path }))

describe('the demo', () => {
  let app = ''
  let open = ''
  let authenticate = ''
  let configFile = ''
  let ca = ''
  const agent = (): UserAgent => new UserAgent({ ca })

  /** Through the provider's page, where each account is a form of its own. */
  const signIn = async (user: UserAgent, name: string) => {
    const page = await user.visit(app)
    assert.match(page.text, /alice/i)
    assert.match(page.text, /bob/i)
    return await user.submit(
      page,
      {},
      { pick: ({ action, fields }) => JSON.stringify([action, fields]).includes(name) },
    )
  }

  it('prints its addresses, what to try and where its state lies', async () => {
    await demo.waitForLine(/Ctrl-C/, 60_000)
    const text = demo.lines.join('\n')
    app = text.match(/https:\/\/app\.localhost(?::\d+)?/)?.[0] ?? ''
    open = text.match(/https:\/\/public\.localhost(?::\d+)?/)?.[0] ?? ''
    authenticate = text.match(/https:\/\/authenticate\.localhost(?::\d+)?/)?.[0] ?? ''
    for (const address of [app, open, authenticate]) assert.notEqual(address, '')
    assert.match(text, /Bob/i)
    assert.match(text, /Alice/i)
    configFile = text.match(/\S+\.yaml/)?.[0] ?? ''
    const caFile = text.match(/\S+\.(?:pem|crt)/)?.[0] ?? ''
    assert.ok(configFile.includes(folder.path) || !configFile.startsWith('/'), configFile)
    ca = await readFile(caFile, 'utf8')
  })

  it('denies Bob, allows Alice and shows what the app received and verified', async () => {
    assert.equal((await signIn(agent(), 'bob')).status, 403)
    const page = await signIn(agent(), 'alice')
    assert.equal(page.status, 200)
    assert.match(page.text, /alice@/)
    assert.match(page.text, /staff/)
    assert.match(page.text, /verif/i)
    assert.equal((await agent().visit(open)).status, 200)
  })

  it('applies an edit at once', async () => {
    const bob = agent()
    assert.equal((await signIn(bob, 'bob')).status, 403)
    const text = await readFile(configFile, 'utf8')
    assert.match(text, /has: staff/)
    await writeFile(configFile, text.replace('has: staff', 'has: guests'))
    await until(async () => (await bob.visit(app)).status === 200, {
      what: 'Bob to be let in',
      withinMs: 1_500,
    })
  })

  it('stops everything it started on Ctrl-C', async () => {
    const below = descendantsOf(demo.pid)
    assert.ok(below.length > 0)
    demo.signal('SIGINT', 'group')
    await demo.exited
    await until(() => descendantsOf(process.pid).every((pid) => !below.includes(pid)), {
      what: 'Envoy to end',
    })
  })

  it('keeps its certificate authority and sessions between runs', async () => {
    const again = stop.use(startProcess({ ...programUnderTest(['serve']), cwd: folder.path }))
    await again.waitForLine(/Ctrl-C/, 60_000)
    const page = await agent().visit(open)
    assert.equal(page.status, 200, 'the certificate of the first run is still trusted')
    await again.stop()
  })
})
