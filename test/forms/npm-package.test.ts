/**
 * The npm packages as people install them: tarballs, an empty prefix, an empty cache, no network.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { version } from '../../src/form/installation.ts'
import { tempDir } from '../harness/ports.ts'
import { run, runToEnd, startProcess } from '../harness/process.ts'
import { UserAgent } from '../harness/user-agent.ts'
import { builtFiles, PLATFORM } from './built.ts'

const stop = new AsyncDisposableStack()
after(() => stop.disposeAsync())
const folder = stop.use(await tempDir('npm'))
const prefix = join(folder.path, 'prefix')
const program = join(prefix, 'bin', 'sallyport')
const { tarball, envoyTarball } = builtFiles()
/** No Envoy of this machine is found: not on PATH, not in the cache. */
const env = {
  SALLYPORT_CACHE_DIR: join(folder.path, 'no-cache'),
  ENVOY_PATH: undefined,
  PATH: `${join(process.execPath, '..')}:/usr/bin:/bin`,
}

const install = async (...packages: readonly string[]) =>
  await runToEnd({
    command: 'npm',
    args: ['install', '--global', '--offline', '--no-audit', '--prefix', prefix, ...packages],
    env: {
      npm_config_cache: join(folder.path, 'empty-cache'),
      npm_config_registry: 'http://127.0.0.1:1',
      // `npm run --silent` would silence this one as well.
      npm_config_loglevel: 'error',
    },
    cwd: folder.path,
    withinMs: 120_000,
  })

describe('the npm package', () => {
  it('is installed without network, and without any other package', async () => {
    const { code, stderr } = await install(tarball)
    assert.equal(code, 0, stderr)
    assert.equal(await run({ command: program, args: ['version'], env }), `sallyport ${version()}`)
    const modules = join(prefix, 'lib', 'node_modules')
    assert.deepEqual(
      (await readdir(modules)).filter((name) => !name.startsWith('.')),
      ['sallyport'],
    )
    assert.ok(!(await readdir(join(modules, 'sallyport'))).includes('node_modules'))
  })

  it('validates, and names a mistake with its line', async () => {
    const file = join(folder.path, 'config.yaml')
    await writeFile(file, 'routes:\n  - from: nowhere\n')
    const { code, stdout, stderr } = await runToEnd({ command: program, args: ['validate', '-c', file], env })
    assert.equal(code, 1)
    assert.match(`${stdout}${stderr}`, /config\.yaml:2/)
  })

  it('says in words that a Node is too old', async () => {
    const old = join(folder.path, 'old')
    await mkdir(join(old, 'bin'), { recursive: true })
    const launcher = join(prefix, 'lib', 'node_modules', 'sallyport', 'bin', 'sallyport.mjs')
    const text = await readFile(launcher, 'utf8')
    await writeFile(
      join(old, 'bin', 'sallyport.mjs'),
      text.replace('process.versions.node', "'22.1.0'").replace('process.version}', "'v22.1.0'}"),
    )
    const { code, stderr } = await runToEnd({
      command: process.execPath,
      args: [join(old, 'bin', 'sallyport.mjs')],
    })
    assert.deepEqual([code, /needs Node\.js 24 or newer/.test(stderr)], [1, true])
  })

  it('writes a set-up that needs a checkout for the image only, and says so', async () => {
    const where = join(folder.path, 'proxy')
    const said = await run({ command: program, args: ['init', where, '--domain', 'example.com'], env })
    assert.match(said, /name a checkout of Sallyport in \.env/)
    assert.match(said, /sallyport validate -c/)
    assert.match(await readFile(join(where, '.env'), 'utf8'), /^SALLYPORT_SOURCE=$/m)
  })

  it('refuses the Envoy of another processor', async () => {
    const other = PLATFORM === 'linux-x64' ? 'arm64' : 'x64'
    const copy = join(folder.path, 'other')
    await cp(join(tarball, '..', 'npm', `envoy-${PLATFORM}`, 'package.json'), join(copy, 'package.json'))
    const manifest = await readFile(join(copy, 'package.json'), 'utf8')
    await writeFile(join(copy, 'package.json'), manifest.replaceAll(process.arch, other))
    const { code, stderr } = await install(copy)
    assert.notEqual(code, 0)
    assert.match(stderr, /EBADPLATFORM/)
  })

  it('runs the demo with the Envoy of the package beside it, and people sign in', async () => {
    const { code, stderr } = await install(tarball, envoyTarball)
    assert.equal(code, 0, stderr)
    const demo = stop.use(startProcess({ command: program, args: ['demo'], cwd: folder.path, env }))
    await demo.waitForLine(/Ctrl-C/, 60_000)
    const text = demo.lines.join('\n')
    const ca = await readFile(text.match(/\S+\.(?:pem|crt)/)?.[0] ?? '', 'utf8')
    const user = new UserAgent({ ca })
    const page = await user.visit(text.match(/https:\/\/app\.localhost(?::\d+)?/)?.[0] ?? '')
    const signedIn = await user.submit(
      page,
      {},
      { pick: ({ action, fields }) => JSON.stringify([action, fields]).includes('alice') },
    )
    assert.equal(signedIn.status, 200)
    assert.match(signedIn.text, /alice@/)
    const envoy = await readFile(`/proc/${demo.pid}/task/${demo.pid}/children`, 'utf8').catch(() => '')
    assert.notEqual(envoy, '')
    await demo.stop()
  })
})
