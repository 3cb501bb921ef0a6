/**
 * The tools for whoever writes policies, on a real log of a real run: why was this denied, and what would a
 * change do?
 *
 * @module
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { stringify } from 'yaml'
import { sallyportCli } from '../harness/sallyport.ts'
import { groupPolicy, PUBLIC, startStack } from '../harness/stack.ts'

/** The directory that the configuration names. */
const writePeople = async (where: string, group: string, active = true): Promise<void> =>
  await writeFile(
    join(where, 'people.yaml'),
    stringify({ users: [{ email: 'alice@example.com', groups: [group], active }] }),
  )

const stack = await startStack({
  settings: { directory: [{ name: 'offices', type: 'file', path: 'people.yaml' }] },
  beforeServe: async (context) => await writePeople(context.folder, 'archive'),
  routes: ({ upstream, url }) => [
    {
      name: 'admin',
      from: url('app', ''),
      prefix: '/admin/',
      to: upstream.url,
      policy: groupPolicy('admins'),
    },
    {
      name: 'archive',
      from: url('app', ''),
      prefix: '/archive/',
      to: upstream.url,
      policy: groupPolicy('archive'),
    },
    { name: 'staff', from: url('app', ''), to: upstream.url, policy: groupPolicy('staff') },
    { name: 'public', from: url('public', ''), to: upstream.url, ...PUBLIC },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, folder } = stack
const log = join(folder, 'decisions.log')
const candidate = join(folder, 'new.yaml')

let deniedId: string
let sessionId: string

before(async () => {
  const alice = stack.agent()
  assert.equal((await stack.signIn(alice, url('app', '/start'))).status, 200)
  for (const path of ['/one', '/two/a', '/two/b']) {
    assert.equal((await alice.fetch(url('app', path))).status, 200)
  }
  const denied = await alice.fetch(url('app', '/admin/panel'))
  assert.equal(denied.status, 403)
  deniedId = String(denied.headers['x-request-id'])
  assert.equal((await stack.agent().fetch(url('public', '/hello'))).status, 200)
  const line = await stack.sallyport.waitForLog('the public request', (each) => each['path'] === '/hello')
  assert.equal(line['outcome'], 'allow')
  sessionId = String(
    stack.sallyport.log.find((each) => each['request-id'] === deniedId && each.msg === 'authorize check')?.[
      'session-id'
    ],
  )
  await writeFile(log, `${stack.sallyport.process.lines.join('\n')}\n{"level":"info","msg":"authorize che`)
})

/** A configuration beside the one that is served, with this policy on the route of staff. */
async function candidateWith(staff: Readonly<Record<string, unknown>>): Promise<void> {
  const [admin, archive, , open] = stack.config.routes
  const route = { name: 'staff', from: url('app', ''), to: stack.upstream.url, ...staff }
  await writeFile(candidate, stringify({ ...stack.config, routes: [admin, archive, route, open] }))
}

const run = async (...args: readonly string[]) => await sallyportCli(args, { cwd: folder })

describe('sallyport explain', () => {
  it('tells of a real denial by its id which route and which rule it was, and that nothing has changed since', async () => {
    const { code, stdout, stderr } = await run('explain', deniedId, '--log', log)
    assert.equal(code, 3, stderr)
    const page = stdout.replaceAll(/ +/g, ' ')
    assert.match(page, /who alice@example\.com \(user \S+\), groups: .*staff/)
    assert.match(page, /route admin https:\/\/app\.localhost:\d+ config\.yaml:\d+/)
    assert.match(page, /outcome deny because of groups-unauthorized/)
    assert.match(page, /logged deny because of groups-unauthorized; it would be the same now/)
    assert.match(page, /the very one that decided/)
    assert.match(page, /line \d+ allow groups miss groups-unauthorized/)
    assert.match(page, /staff the route of line \d+ comes first/)
  })

  it('tells what the decision would be after a change, and that there was one', async () => {
    await candidateWith({ policy: groupPolicy('admins') })
    const id = stack.sallyport.log.find((line) => line['path'] === '/one' && line['outcome'] === 'allow')?.[
      'request-id'
    ]
    const { code, stdout } = await run('explain', String(id), '--log', log, '--config', candidate, '--json')
    assert.equal(code, 3)
    const explained = JSON.parse(stdout) as Record<string, unknown>
    assert.equal(explained['outcome'], 'deny')
    const { outcome, hasChanged } = explained['logged'] as Record<string, unknown>
    assert.deepEqual([outcome, hasChanged], ['allow', true])
  })

  it('asks for a session that is signed in', async () => {
    const allowed = await run('explain', url('app', '/x'), '--session', sessionId)
    assert.equal(allowed.code, 0, allowed.stderr)
    assert.match(allowed.stdout, /outcome +allow because of groups-ok/)
    const denied = await run('explain', url('app', '/admin/x'), '--session', sessionId)
    assert.equal(denied.code, 3)
    const none = await run('explain', url('app', '/x'), '--session', 'nobody')
    assert.deepEqual(
      [none.code, none.stderr.trim()],
      [2, 'sallyport: there is no session nobody; it may be over'],
    )
  })

  it('knows of a session what the directories say of it now', async () => {
    const allowed = await run('explain', url('app', '/archive/x'), '--session', sessionId)
    assert.equal(allowed.code, 0, allowed.stdout + allowed.stderr)
    assert.match(allowed.stdout, /groups: .*archive/)
    await writePeople(folder, 'archive', false)
    const off = await run('explain', url('app', '/archive/x'), '--session', sessionId)
    assert.equal(off.code, 3)
    assert.match(off.stdout, /outcome +refuse because of account-deactivated/)
    assert.match(
      off.stdout,
      /the session counts for nothing here; this does not hold of it: whom the directory/,
    )
    await writePeople(folder, 'archive')
  })

  it('asks for somebody made up, and says with 2 that it was not asked properly', async () => {
    const anonymous = await run('explain', url('app', '/'))
    assert.deepEqual([anonymous.code, /outcome +sign-in/.test(anonymous.stdout)], [3, true])
    const admin = await run('explain', url('app', '/admin/'), '--as', 'eve@example.com', '--groups', 'admins')
    assert.equal(admin.code, 0)
    for (const wrong of [
      [],
      ['nonsense'],
      [url('app', '/'), '--as', 'nobody'],
      [url('app', '/'), '--ip', '1.2'],
    ]) {
      assert.equal((await run('explain', ...wrong)).code, 2, wrong.join(' '))
    }
    assert.equal((await run('explain', 'no-such-id', '--log', log)).code, 1)
  })
})

describe('sallyport diff', () => {
  it('finds no change by the configuration that is served', async () => {
    const { code, stdout, stderr } = await run('diff', stack.sallyport.configFile, '--against', log)
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout, /^\d+ decisions: 0 lose, 0 gain, 0 cannot be told\n1 line could not be read$/m)
  })

  it('names who loses, on which paths and by which rule, and fails a check', async () => {
    await candidateWith({ policy: groupPolicy('admins') })
    const { code, stdout } = await run('diff', candidate, '--against', log)
    assert.equal(code, 1)
    assert.match(
      stdout.replaceAll(/ +/g, ' '),
      /^loses alice@example\.com GET https:\/\/app\.localhost:\d+\/\* 4 times was allow groups-ok → deny groups-unauthorized route staff \(line \d+\): line \d+ groups$/m,
    )
    assert.equal((await run('diff', candidate, '--against', log, '--fail-on', 'gain')).code, 0)
  })

  it('names who gains, strangers too', async () => {
    await candidateWith(PUBLIC)
    const { code, stdout } = await run('diff', candidate, '--against', log, '--format', 'markdown')
    assert.equal(code, 1)
    assert.match(
      stdout,
      /^\| gains \| anonymous \| GET https:\/\/app\.localhost:\d+\/start \| 1 \| was sign-in/m,
    )
  })

  it('does not blame a new configuration for what the one of today has changed already', async () => {
    await candidateWith({ policy: groupPolicy('admins') })
    const { code, stdout } = await run('diff', candidate, '--against', log, '--config', candidate)
    assert.equal(code, 0)
    assert.match(stdout, /4 would be decided differently today already/)
  })

  it('says with 2 what is wrong with a file or an option', async () => {
    await writeFile(candidate, 'routes: 1\n')
    const wrong = await run('diff', candidate, '--against', log)
    assert.deepEqual([wrong.code, /routes: must be a list/.test(wrong.stderr)], [2, true])
    assert.equal((await run('diff', candidate)).code, 2)
    assert.equal(
      (await run('diff', stack.sallyport.configFile, '--against', join(folder, 'nothing'))).code,
      2,
    )
    assert.equal((await run('diff', stack.sallyport.configFile, '--against', log, '--fail-on', 'x')).code, 2)
  })
})
