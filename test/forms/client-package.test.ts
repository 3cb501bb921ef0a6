/**
 * The package of the client as people install it, on the oldest Node that it runs on.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { version } from '../../src/form/installation.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { tempDir } from '../harness/ports.ts'
import { runToEnd } from '../harness/process.ts'
import { builtFiles } from './built.ts'

const part = await findPart('node-20')
const folder = await tempDir('client')
after(() => folder[Symbol.asyncDispose]())
const prefix = join(folder.path, 'prefix')

const run = async (...args: readonly string[]) =>
  await runToEnd({
    command: join(prefix, 'bin', 'sallyport'),
    args,
    env: {
      PATH: `${dirname(need(part))}:/usr/bin:/bin`,
      SALLYPORT_CACHE_DIR: join(folder.path, 'cache'),
      NODE_OPTIONS: '--trace-deprecation --throw-deprecation',
    },
  })

describe('the package of the client', skipWithout(part), () => {
  it('is installed without network, and without any other package', async () => {
    const { code, stderr } = await runToEnd({
      command: 'npm',
      args: [
        'install',
        '--global',
        '--offline',
        '--no-audit',
        '--prefix',
        prefix,
        builtFiles().clientTarball,
      ],
      env: {
        npm_config_cache: join(folder.path, 'empty-cache'),
        npm_config_registry: 'http://127.0.0.1:1',
        npm_config_loglevel: 'error',
      },
      cwd: folder.path,
      withinMs: 120_000,
    })
    assert.equal(code, 0, stderr)
    const modules = join(prefix, 'lib', 'node_modules')
    const names = (await readdir(modules)).filter((name) => !name.startsWith('.'))
    assert.deepEqual(names, ['sallyport-client'])
    assert.ok(!(await readdir(join(modules, 'sallyport-client'))).includes('node_modules'))
  })

  it('runs every command, and says which Node it is on by running at all', async () => {
    assert.deepEqual(await run('version'), {
      code: 0,
      signal: null,
      stdout: `sallyport ${version()}`,
      stderr: '',
    })
    const { stdout } = await run('--help')
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name)
    assert.deepEqual(commands, ['auth', 'routes', 'kubernetes', 'cache', 'completion', 'version'])
    for (const name of commands) assert.equal((await run(name, '--help')).code, 0, name)
    assert.match((await run('completion', 'bash')).stdout, /exec-credential/)
  })

  it('tells faults of a server in words', async () => {
    const { code, stderr } = await run('auth', 'token', 'https://localhost:1')
    assert.deepEqual([code, /nothing listens at localhost:1/.test(stderr)], [4, true])
    assert.equal((await run('auth', 'status')).code, 3)
  })
})
