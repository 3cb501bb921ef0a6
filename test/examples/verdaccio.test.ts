/**
 * docs/apps/verdaccio.md: npm publishes to a registry behind the proxy, and installs from it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { findOnPath } from '../harness/install.ts'
import { startLoopbackNames } from '../harness/loopback-names.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { runToEnd, startProcess } from '../harness/process.ts'
import { answering, ROOT, startExample } from './set-up.ts'

const verdaccio = await findPart('verdaccio')

describe('Verdaccio', skipWithout(verdaccio), () => {
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())

  it('takes packages of those who may publish, and gives them to those who may read', async () => {
    const example = stop.use(
      await startExample('apps/verdaccio', async ({ port, folder }) => {
        const config = await readFile(join(ROOT, 'examples', 'apps', 'verdaccio', 'verdaccio.yaml'), 'utf8')
        const own = join(folder, 'verdaccio.yaml')
        await writeFile(own, config.replace('3000', String(port)))
        const app = startProcess({
          name: 'Verdaccio',
          command: process.execPath,
          args: [need(verdaccio), '--config', own],
        })
        return await answering(app, `http://127.0.0.1:${port}/-/ping`)
      }),
    )
    const registry = example.url('npm')
    const names = stop.use(await startLoopbackNames())
    const npmOf = async (who: string, token: string) => {
      const folder = join(example.folder, who)
      await mkdir(folder)
      const key = `${registry.replace('https:', '')}:_authToken`
      await writeFile(join(folder, '.npmrc'), `@acme:registry=${registry}\n${key}=Pomerium-${token}\n`)
      return async (...args: string[]) => {
        const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--fetch-retries=0']
        const env = {
          HOME: folder,
          // What whoever runs the tests has set for themselves comes through `npm test`.
          npm_config_userconfig: join(folder, '.npmrc'),
          npm_config_omit_lockfile_registry_resolved: 'false',
          npm_config_loglevel: 'notice',
          NODE_EXTRA_CA_CERTS: example.caFile,
          npm_config_cafile: example.caFile,
          npm_config_https_proxy: names.url,
        }
        return await runToEnd({
          command: findOnPath('npm') ?? 'npm',
          args: [...args, ...quiet],
          cwd: folder,
          env,
        })
      }
    }
    const shared = { name: '@acme/greeting', version: '1.0.0', main: 'index.js' }
    const publisher = await npmOf('publisher', await example.serviceAccount('release', '--groups', 'staff'))
    await writeFile(join(example.folder, 'publisher', 'package.json'), JSON.stringify(shared))
    await writeFile(join(example.folder, 'publisher', 'index.js'), 'module.exports = "hello"\n')
    const published = await publisher('publish')
    assert.equal(published.code, 0, published.stderr)

    const reader = await npmOf('reader', await example.serviceAccount('build', '--groups', 'readers'))
    await writeFile(join(example.folder, 'reader', 'package.json'), '{"private":true}')
    const installed = await reader('install', '@acme/greeting')
    assert.equal(installed.code, 0, installed.stderr)
    const there = join(example.folder, 'reader', 'node_modules', '@acme', 'greeting', 'index.js')
    assert.equal(await readFile(there, 'utf8'), 'module.exports = "hello"\n')
    const lock = await readFile(join(example.folder, 'reader', 'package-lock.json'), 'utf8')
    assert.ok(lock.includes(`"resolved": "${registry}@acme/greeting/-/greeting-1.0.0.tgz"`), lock)

    await writeFile(
      join(example.folder, 'reader', 'package.json'),
      JSON.stringify({ ...shared, version: '2.0.0' }),
    )
    const refused = await reader('publish')
    assert.notEqual(refused.code, 0)
    assert.match(refused.stderr, /403/)

    const { page } = await example.signedIn('alice', registry)
    assert.equal(page.status, 200)
    assert.match(page.text, /verdaccio/i)
    const bob = await example.signedIn('bob', registry)
    assert.equal(bob.page.status, 403)
    assert.equal(
      (
        await example
          .agent()
          .fetch(`${registry}@acme%2fgreeting`, { headers: { accept: 'application/json' } })
      ).status,
      401,
    )
  })
})
