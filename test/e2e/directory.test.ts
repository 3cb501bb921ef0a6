/**
 * Groups of a directory file, for people who are signed in: they count on the next request, on every page.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { ANYONE_SIGNED_IN, groupPolicy, PUBLIC, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const PEOPLE = 'groups: { directors: [alice@example.com] }\n'

const stack = await startStack({
  settings: { directory: [{ name: 'people', type: 'file', path: 'people.yaml' }] },
  beforeServe: async ({ folder }) => await writeFile(join(folder, 'people.yaml'), PEOPLE),
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, name: 'Directors', policy: groupPolicy('directors') },
    { from: url('api', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
    { from: url('public', ''), to: upstream.url, ...PUBLIC },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, folder } = stack

async function writePeople(text: string): Promise<void> {
  const next = join(folder, 'people.yaml.next')
  await writeFile(next, text)
  await rename(next, join(folder, 'people.yaml'))
}

async function untilStatus(
  agent: ReturnType<typeof stack.agent>,
  host: string,
  status: number,
): Promise<void> {
  await until(async () => (await agent.fetch(url(host))).status === status, {
    what: `${host} to answer ${status}`,
    withinMs: 2_000,
  })
}

interface Status {
  readonly directory: readonly { readonly state: string; readonly problem?: { readonly message: string } }[]
}
const directoryStatus = async () =>
  ((await stack.sallyport.status()) as unknown as Status).directory[0] ?? assert.fail('no source')

describe('a directory file', () => {
  it('gives groups to the policy, the assertion, the portal and the user page', async () => {
    const agent = stack.agent()
    assert.equal((await stack.signIn(agent, url('app'))).status, 200)
    const user = JSON.parse((await agent.fetch(url('app', '/.pomerium/user'))).text) as { groups: string[] }
    assert.deepEqual(user.groups, ['staff', 'everyone', 'directors'])
    assert.match((await agent.fetch(url('app', '/.pomerium/routes'))).text, /Directors/)
    assert.match((await agent.fetch(url('app', '/.pomerium/'))).text, /directors/)
  })

  it('that is edited counts on the next request', async () => {
    const agent = stack.agent()
    assert.equal((await stack.signIn(agent, url('app'))).status, 200)
    await writePeople('groups: { directors: [] }\n')
    await untilStatus(agent, 'app', 403)
    assert.doesNotMatch((await agent.fetch(url('app', '/.pomerium/routes'))).text, /Directors/)
    await writePeople(PEOPLE)
    await untilStatus(agent, 'app', 200)
  })

  it('that has mistakes changes nothing, and is told in the log and in the status until it is right', async () => {
    const agent = stack.agent()
    assert.equal((await stack.signIn(agent, url('app'))).status, 200)
    await writePeople('groups: { directors: alice@example.com }\n')
    await stack.sallyport.waitForLog('what is wrong', ({ err }) =>
      /people\.yaml:1:22: must be a list/.test(String(err)),
    )
    assert.equal((await agent.fetch(url('app'))).status, 200)
    const { state, problem } = await directoryStatus()
    assert.equal(state, 'stale')
    assert.match(problem?.message ?? '', /must be a list/)
    await writePeople(PEOPLE)
    await until(async () => (await directoryStatus()).state === 'good', { what: 'the source to be good' })
    assert.match(
      (await request({ url: `http://127.0.0.1:${stack.edge.metricsPort}/metrics` })).text,
      /sallyport_directory_users\{source="people"[^}]*\} 1/,
    )
  })

  it('that switches somebody off closes what their session opened, and leaves what is open to all', async () => {
    const agent = stack.agent()
    assert.equal((await stack.signIn(agent, url('api'))).status, 200)
    assert.equal((await stack.signIn(agent, url('public'))).status, 200)
    await writePeople('users: [{ email: alice@example.com, active: false }]\n')
    await untilStatus(agent, 'api', 403)
    const denied = await agent.fetch(url('api'))
    assert.match(denied.text, /deactivated/)
    assert.equal((await agent.fetch(url('public'))).status, 200)
    // Whoever signs in all the same meets the same answer, and no loop.
    const another = stack.agent()
    assert.equal((await stack.signIn(another, url('api'))).status, 403)
    assert.equal((await another.fetch(url('api', '/.pomerium/routes'))).status, 403)
    await writePeople(PEOPLE)
    await untilStatus(agent, 'api', 200)
  })

  it('that cannot be read keeps Sallyport from starting: it could not be told who has left', async () => {
    await rm(join(folder, 'people.yaml'))
    await assert.rejects(stack.restart(), /cannot read .*people\.yaml/)
    await writePeople(PEOPLE)
    await stack.restart()
    assert.equal((await stack.signIn(stack.agent(), url('app'))).status, 200)
  })
})
