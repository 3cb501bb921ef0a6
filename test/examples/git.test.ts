/**
 * docs/apps/git.md: a stock git clones and pushes through the proxy.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { run, runToEnd, startProcess } from '../harness/process.ts'
import { ROOT, startExample } from './set-up.ts'

const example = await startExample('apps/git', async ({ port, folder }) => {
  const repository = join(folder, 'git', 'acme', 'shop.git')
  await mkdir(repository, { recursive: true })
  await run({ command: 'git', args: ['init', '-q', '--bare', '-b', 'main', repository] })
  const hook = `#!/bin/sh\necho "$REMOTE_USER" >> "${join(folder, 'pushed-by')}"\n`
  await writeFile(join(repository, 'hooks', 'post-receive'), hook, { mode: 0o755 })
  const server = startProcess({
    name: 'git server',
    command: process.execPath,
    args: [join(ROOT, 'examples', 'apps', 'git', 'server.ts')],
    env: { PORT: String(port), GIT_PROJECT_ROOT: join(folder, 'git') },
  })
  await server.waitForLine(/listens/)
  return server
})
after(() => example[Symbol.asyncDispose]())

/** A client with settings of its own: no prompt, nobody's credentials, and the header that the page tells. */
function gitOf(token?: string) {
  const config: Record<string, string> = {
    'user.name': 'A',
    'user.email': 'a@example.com',
    // A body over this size is sent in chunks.
    'http.postBuffer': '65536',
    ...(token === undefined ? {} : { 'http.extraHeader': `Authorization: Bearer Pomerium-${token}` }),
  }
  const env = {
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSL_CAINFO: example.caFile,
    HOME: example.folder,
    GIT_CONFIG_COUNT: String(Object.keys(config).length),
    ...Object.fromEntries(
      Object.entries(config).flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  }
  return async (cwd: string, ...args: string[]) => await runToEnd({ command: 'git', args, cwd, env })
}

const repository = example.url('git', '/acme/shop.git')

describe('git over HTTPS', () => {
  it('clones, pushes and clones again with the token of a service account, under its name whatever the client says', async () => {
    const token = await example.serviceAccount(
      'alice-laptop',
      '--groups',
      'staff',
      '--email',
      'alice@example.com',
    )
    const git = gitOf(token)
    const there = join(example.folder, 'alice')
    const cloned = await git(example.folder, 'clone', '-q', repository, there)
    assert.equal(cloned.code, 0, cloned.stderr)
    await writeFile(join(there, 'large.bin'), randomBytes(300_000))
    await git(there, 'add', '.')
    await git(there, 'commit', '-q', '-m', 'first')
    const forged = ['-c', 'http.extraHeader=X-Pomerium-Claim-Email: mallory@example.com']
    const pushed = await git(there, ...forged, 'push', '-q', 'origin', 'HEAD:main')
    assert.equal(pushed.code, 0, pushed.stderr)
    assert.equal(await readFile(join(example.folder, 'pushed-by'), 'utf8'), 'alice@example.com\n')

    const again = join(example.folder, 'again')
    assert.equal((await git(example.folder, 'clone', '-q', repository, again)).code, 0)
    const [sent, got] = await Promise.all(
      [there, again].map(async (folder) => await readFile(join(folder, 'large.bin'))),
    )
    assert.ok(sent?.equals(got ?? Buffer.alloc(0)))
  })

  it('lets readers clone and not push', async () => {
    const git = gitOf(await example.serviceAccount('mirror', '--groups', 'readers'))
    const there = join(example.folder, 'mirror')
    assert.equal((await git(example.folder, 'clone', '-q', repository, there)).code, 0)
    await git(there, 'commit', '-q', '--allow-empty', '-m', 'mine')
    const pushed = await git(there, 'push', '-q', 'origin', 'HEAD:main')
    assert.notEqual(pushed.code, 0)
    assert.match(pushed.stderr, /403/)
  })

  it('turns away strangers, and whoever claims a name', async () => {
    const nobody = await gitOf()(example.folder, 'clone', '-q', repository, join(example.folder, 'none'))
    assert.notEqual(nobody.code, 0)
    const { agent, page } = await example.signedIn('bob', `${repository}/info/refs?service=git-upload-pack`)
    assert.equal(page.status, 403)
    const headers = { 'x-pomerium-claim-email': 'alice@example.com' }
    assert.equal((await agent.fetch(`${repository}/HEAD`, { headers })).status, 403)
  })
})
