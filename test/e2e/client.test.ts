/**
 * The commands of users, as processes of their own: they sign in by a browser, and use what the proxy protects.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { tempDir } from '../harness/ports.ts'
import { runToEnd, startProcess } from '../harness/process.ts'
import { clientUnderTest } from '../harness/program.ts'
import { ANYONE_SIGNED_IN, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const stack = await startStack({
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, name: 'The app', ...STAFF_ONLY },
    { from: url('api', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, ca } = stack
const folder = await tempDir('client')
after(() => folder[Symbol.asyncDispose]())
const caFile = join(folder.path, 'ca.pem')
await writeFile(caFile, ca.cert)

/** What a computer of a user is to the client: its folder of tokens. */
let computers = 0
const computer = () => {
  computers += 1
  const cache = join(folder.path, `cache-${computers}`)
  const env = { SALLYPORT_CACHE_DIR: cache, DISPLAY: undefined, WAYLAND_DISPLAY: undefined }
  const start = (...args: readonly string[]) =>
    startProcess({ ...clientUnderTest([...args, '--alternate-ca-path', caFile]), env })
  const run = async (...args: readonly string[]) =>
    await runToEnd({ ...clientUnderTest(args), env, withinMs: 30_000 })
  return { cache, credentials: join(cache, 'credentials'), env, start, run }
}

const PAGE = /^(https:\/\/\S+)$/
const ca1 = ['--alternate-ca-path', caFile] as const

async function signInBy(child: ReturnType<typeof startProcess>, login = 'alice') {
  const [page = ''] = await child.waitForLine(PAGE)
  const agent = stack.agent()
  const shown = await stack.signIn(agent, page, login)
  if (shown.status !== 200) throw new Error(`${shown.url.href} ${shown.status}: ${shown.text.slice(0, 300)}`)
  return { agent, shown, exit: await child.exited }
}

describe('sallyport auth', () => {
  const here = computer()

  it('signs in by a browser, and says who and until when', async () => {
    await using child = here.start('auth', 'login', url('app', ''))
    const { shown, exit } = await signInBy(child)
    assert.deepEqual([exit.code, shown.status], [0, 200], child.lines.join('\n'))
    assert.match(shown.text, /You may close this page/)
    assert.equal(shown.url.search, '', 'the token is not in the address that stays')
    assert.match(
      child.stdout.join('\n'),
      /^Signed in at https:\/\/app\.localhost:\d+ as alice@example\.com, until 20/,
    )
  })

  it('keeps the token for this user alone', async () => {
    const [file = ''] = await readdir(here.credentials)
    assert.equal(((await stat(here.credentials)).mode & 0o777).toString(8), '700')
    assert.equal(((await stat(join(here.credentials, file))).mode & 0o777).toString(8), '600')
  })

  it('prints a token with which other programs ask the app', async () => {
    const token = await here.run('auth', 'token', url('app', ''), ...ca1)
    assert.equal(token.code, 0, token.stderr)
    const asked = { url: url('app'), ca: ca.cert }
    const answer = await request({ ...asked, headers: { authorization: `Pomerium ${token.stdout.trim()}` } })
    assert.equal(answer.status, 200)
    const short = await here.run('auth', url('app', ''), ...ca1)
    assert.equal(short.stdout, token.stdout)
    const header = await here.run('auth', 'token', '--header', url('app', ''), ...ca1)
    assert.equal(header.stdout, `Authorization: Pomerium ${token.stdout}`)
  })

  it('tells what it has, without the token', async () => {
    const status = await here.run('auth', 'status')
    assert.match(status.stdout, /app\.localhost:\d+ +alice@example\.com +until 20/)
    const { stdout } = await here.run('auth', 'status', '--json')
    const [row] = JSON.parse(stdout) as Record<string, unknown>[]
    assert.deepEqual(Object.keys(row ?? {}), ['server', 'user', 'expires_at', 'verified'])
    assert.doesNotMatch(stdout + status.stdout, /eyJ/)
  })

  it('signs in once more when the server has ended the session', async () => {
    await using child = here.start('auth', 'login', url('api', ''))
    const { agent } = await signInBy(child)
    const before = await here.run('auth', 'token', url('api', ''), ...ca1)
    await agent.visit(url('api', '/.pomerium/sign_out'))
    await using again = here.start('auth', 'token', url('api', ''))
    const { exit } = await signInBy(again)
    assert.equal(exit.code, 0, again.lines.join('\n'))
    assert.notEqual(again.stdout.join('\n'), before.stdout.trim())
  })

  it('forgets, one server or all', async () => {
    assert.equal((await here.run('auth', 'logout', url('app', ''))).code, 0)
    assert.doesNotMatch((await here.run('auth', 'status')).stdout, /app\./)
    assert.equal((await here.run('cache', 'clear')).code, 0)
    assert.equal((await here.run('auth', 'status')).code, 3)
    assert.deepEqual(await readdir(here.credentials), [])
  })
})

describe('several programs at once', () => {
  it('open one page, and all have its token', async () => {
    const here = computer()
    await using stop = new AsyncDisposableStack()
    const children = [1, 2, 3].map(() => stop.use(here.start('auth', 'token', url('app', ''))))
    const opened = () => children.filter(({ lines }) => lines.some((line) => PAGE.test(line)))
    const waiting = () =>
      children.filter(({ lines }) => lines.some((line) => line.includes('waiting for it')))
    await until(() => opened().length === 1 && waiting().length === 2, {
      what: 'two to wait',
      withinMs: 30_000,
    })
    const [first] = opened()
    assert.ok(first)
    await signInBy(first)
    const exits = await Promise.all(children.map(({ exited }) => exited))
    assert.deepEqual(
      exits.map(({ code }) => code),
      [0, 0, 0],
    )
    assert.equal(new Set(children.map(({ stdout }) => stdout.join('\n'))).size, 1)
    assert.equal(opened().length, 1)
  })
})

describe('the browser', () => {
  it('is the program that is named, with the page as its one argument', async () => {
    const here = computer()
    const browser = join(folder.path, 'my browser')
    await writeFile(
      browser,
      `#!/bin/sh\nprintf '%s\\n' "$#" "$1" > '${folder.path}/opening'\nmv '${folder.path}/opening' '${folder.path}/opened'\n`,
    )
    await chmod(browser, 0o755)
    await using child = here.start('auth', 'login', url('app', ''), '--browser-cmd', browser)
    const [page = ''] = await child.waitForLine(PAGE)
    const opened = await until(
      async () => await readFile(join(folder.path, 'opened'), 'utf8').catch(() => undefined),
      {
        what: 'the browser to be started',
        withinMs: 10_000,
      },
    )
    assert.equal(opened, `1\n${page}\n`)
  })
})

describe('sallyport routes', () => {
  it('lists what the user may open, signing in where needed', async () => {
    const here = computer()
    await using child = here.start('routes', 'list', url('api', ''), '--json')
    await signInBy(child, 'bob')
    const rows = JSON.parse(child.stdout.join('\n')) as { from: string; type: string }[]
    assert.deepEqual(
      rows.map(({ from, type }) => [from, type]),
      [[url('api', ''), 'http']],
    )
    const table = await here.run('routes', ...ca1)
    assert.match(table.stdout, /^NAME +TYPE +FROM\n\S+ +http +https:\/\/api\.localhost:\d+$/)
  })

  it('says that a service account is not taken there', async () => {
    const file = join(folder.path, 'machine')
    await writeFile(file, 'Pomerium-aaaa.bbbb.cccc\n')
    const ran = await computer().run('routes', url('api', ''), '--service-account-file', file, ...ca1)
    assert.deepEqual([ran.code, ran.stdout], [3, ''])
    assert.match(ran.stderr, /does not take the token of the service account/)
  })
})

describe('a server that is not trusted', () => {
  it('is told with its certificate, and nothing is sent to it', async () => {
    const ran = await computer().run('auth', 'login', url('app', ''))
    assert.equal(ran.code, 4)
    assert.match(
      ran.stderr,
      /certificate of app\.localhost:\d+ is not trusted: .*issued by "CN=.*SHA-256 [0-9A-F:]{95}.*--alternate-ca-path FILE/,
    )
  })

  it('may be taken all the same, and its token is kept apart', async () => {
    const here = computer()
    await using child = startProcess({
      ...clientUnderTest(['auth', 'token', url('app', ''), '--disable-tls-verification']),
      env: here.env,
    })
    assert.equal((await signInBy(child)).exit.code, 0)
    assert.match((await here.run('auth', 'status')).stdout, /\(not verified\)/)
    await using verified = here.start('auth', 'token', url('app', ''))
    await verified.waitForLine(PAGE)
  })
})

describe('a folder that others can read', () => {
  it('is not used, and the message says what to do', async () => {
    const here = computer()
    await mkdir(here.credentials, { recursive: true, mode: 0o755 })
    await chmod(here.credentials, 0o755)
    const ran = await here.run('auth', 'token', url('app', ''), ...ca1)
    assert.equal(ran.code, 1)
    assert.match(ran.stderr, /chmod 700 /)
  })
})
