/**
 * docs/apps/webdav.md: rclone works on files of a WebDAV server through the proxy.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { startLoopbackNames } from '../harness/loopback-names.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { type RunningProcess, runToEnd, startProcess } from '../harness/process.ts'
import { answering, ROOT, startExample } from './set-up.ts'

const wsgidav = await findPart('wsgidav')
const rclone = await findPart('rclone')

describe('WebDAV', 'missing' in wsgidav ? skipWithout(wsgidav) : skipWithout(rclone), () => {
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())
  let server: RunningProcess | undefined
  const start = async () =>
    stop.use(
      await startExample('apps/webdav', async ({ port, folder }) => {
        const files = join(folder, 'files')
        await mkdir(files)
        const config = await readFile(join(ROOT, 'examples', 'apps', 'webdav', 'wsgidav.yaml'), 'utf8')
        const own = join(folder, 'wsgidav.yaml')
        await writeFile(own, config.replace('/srv/dav', files).replace('3000', String(port)))
        const args = ['-m', 'wsgidav.server.server_cli', '--config', own]
        server = startProcess({ name: 'WsgiDAV', command: need(wsgidav), args })
        return await answering(server, `http://127.0.0.1:${port}/`)
      }),
    )

  it('takes, moves and gives files of a client with a token, and of people in a browser', async () => {
    const example = await start()
    const names = stop.use(await startLoopbackNames())
    const dav = example.url('dav')
    const token = await example.serviceAccount('laptop', '--groups', 'staff', '--email', 'alice@example.com')
    const remote = ['--webdav-url', dav, '--webdav-bearer-token', `Pomerium-${token}`]
    const call = async (...args: string[]) => {
      const all = ['--config', '/dev/null', '--ca-cert', example.caFile, ...remote, ...args]
      return await runToEnd({
        command: need(rclone),
        args: all,
        env: { HOME: example.folder, https_proxy: names.url },
      })
    }
    const text = 'what is in the file\n'.repeat(10_000)
    await writeFile(join(example.folder, 'notes.txt'), text)
    const copied = await call('copyto', join(example.folder, 'notes.txt'), ':webdav:/plans/2027/notes.txt')
    assert.equal(copied.code, 0, copied.stderr)
    const moved = await call('moveto', ':webdav:/plans/2027/notes.txt', ':webdav:/plans/old notes.txt')
    assert.equal(moved.code, 0, moved.stderr)
    assert.deepEqual((await call('lsf', '-R', ':webdav:/')).stdout.split('\n'), [
      'plans/',
      'plans/2027/',
      'plans/old notes.txt',
    ])
    assert.equal(await readFile(join(example.folder, 'files', 'plans', 'old notes.txt'), 'utf8'), text)
    const lines = server?.lines.join('\n') ?? ''
    assert.match(lines, /alice@example\.com - .*"MKCOL \/plans/)
    assert.match(lines, /alice@example\.com - .*"MOVE \/plans\/2027\/notes\.txt"/)

    const { agent, page } = await example.signedIn('alice', example.url('dav', '/plans/'))
    assert.match(page.text, /old notes\.txt/)
    const claimed = { 'x-pomerium-claim-email': 'mallory@example.com' }
    assert.equal((await agent.fetch(example.url('dav', '/plans/'), { headers: claimed })).status, 200)
    assert.doesNotMatch(server?.lines.join('\n') ?? '', /mallory/)

    const bob = await example.signedIn('bob', dav)
    assert.equal(bob.page.status, 403)
    assert.equal(
      (await bob.agent.fetch(`${dav}x`, { method: 'PUT', body: 'x', headers: claimed })).status,
      403,
    )
    assert.equal((await example.agent().fetch(dav, { method: 'PROPFIND' })).status, 401)
    assert.equal(existsSync(join(example.folder, 'files', 'x')), false)
  })
})
