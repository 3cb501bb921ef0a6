/**
 * The single file: on a system that has a C library and little else, on another processor, and built again.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, it } from 'node:test'
import { isPlatform, NODE_VERSION } from '../../build/platforms.ts'
import { makeSingleFile } from '../../build/single-file.ts'
import { sha256Of } from '../../build/sums.ts'
import { ENVOY_VERSION } from '../../envoy/release.ts'
import { version } from '../../src/form/installation.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { tempDir } from '../harness/ports.ts'
import { run, runToEnd } from '../harness/process.ts'
import { BUILT, builtFiles, PLATFORM } from './built.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const [debian, emulator] = await Promise.all([findPart('bare-debian'), findPart('arm64')])
const stop = new AsyncDisposableStack()
after(() => stop.disposeAsync())
const folder = stop.use(await tempDir('single-file'))
const { singleFile, arm64 } = builtFiles()
const EXAMPLE = join(ROOT, 'examples', 'compose', 'config.yaml')

describe('the single file', () => {
  it('takes no options of Node from the environment', async () => {
    const env = { NODE_OPTIONS: '--require /nowhere.cjs' }
    assert.equal(await run({ command: singleFile, args: ['version'], env }), `sallyport ${version()}`)
  })

  it('runs the demo on a bare Debian without network', skipWithout(debian), async () => {
    // The programs of that Debian alone, in a network of its own. The test reads the files of the demo, so its
    // temporary folder is the same inside.
    const root = need(debian)
    const program = join(folder.path, 'in-bare-debian')
    writeFileSync(
      program,
      `#!/bin/sh
set -e
mkdir -p "${root}$TMPDIR"
mount --bind "$TMPDIR" "${root}$TMPDIR"
mount --bind /dev "${root}/dev"
mount -t proc proc "${root}/proc"
cp "${singleFile}" "${root}/usr/local/bin/sallyport"
exec chroot "${root}" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/root TMPDIR="$TMPDIR" \\
  sh -c 'cd "$0" && exec sallyport "$@"' "$PWD" "$@"
`,
    )
    chmodSync(program, 0o755)
    rmSync(join(root, 'root', '.cache'), { recursive: true, force: true })
    const temporary = join(folder.path, 'temporary')
    mkdirSync(temporary)
    const inside = `ip link set lo up && exec "${process.execPath}" --test --test-timeout=200000 test/e2e/demo.test.ts`
    const { code, stdout } = await runToEnd({
      command: 'unshare',
      args: ['--net', '--mount', 'sh', '-c', inside],
      cwd: ROOT,
      env: { SALLYPORT_PROGRAM: program, TMPDIR: temporary, NODE_TEST_CONTEXT: undefined },
      withinMs: 220_000,
    })
    assert.equal(code, 0, stdout)
    assert.match(stdout, /^ℹ pass 5$/m)
    const missing = ['node', 'python3', 'curl'].map((name) => join(root, 'usr', 'bin', name))
    for (const path of missing) assert.throws(() => readFileSync(path), { code: 'ENOENT' })
  })

  it('says what to do where the cache folder can not be written', async () => {
    const plain = join(folder.path, 'plain')
    writeFileSync(plain, '')
    const { code, stderr } = await runToEnd({
      command: singleFile,
      args: ['demo'],
      cwd: folder.path,
      env: { SALLYPORT_CACHE_DIR: join(plain, 'cache'), PATH: '/usr/bin:/bin', ENVOY_PATH: undefined },
      withinMs: 60_000,
    })
    assert.equal(code, 1)
    assert.match(stderr, /could not be unpacked.*SALLYPORT_CACHE_DIR/s)
  })

  it('refuses the state of a newer version with a reason, and leaves it as it is', async () => {
    const state = join(folder.path, 'state')
    mkdirSync(state)
    const file = join(state, 'sallyport.db')
    {
      using database = new DatabaseSync(file)
      database.exec(
        'CREATE TABLE later (id TEXT); PRAGMA user_version = 99; PRAGMA application_id = 0x5361506f',
      )
    }
    const before = await sha256Of(file)
    const { code, stderr, stdout } = await runToEnd({
      command: singleFile,
      args: ['serve', '-c', EXAMPLE, '--envoy', 'external', '--state-dir', state],
      withinMs: 30_000,
    })
    assert.equal(code, 1, stdout)
    assert.match(stderr, /newer Sallyport/)
    assert.equal(await sha256Of(file), before)
  })

  it('runs on ARM64', skipWithout(emulator), async () => {
    const [command = '', ...words] = need(emulator).split(' ')
    const said = async (...args: readonly string[]) =>
      await run({ command, args: [...words, arm64, ...args], withinMs: 120_000 })
    assert.equal(await said('version'), `sallyport ${version()}`)
    assert.match(await said('validate', '-c', EXAMPLE), /no mistakes/)
  })

  it('is byte-equal when it is built again', async () => {
    assert.ok(isPlatform(PLATFORM))
    const again = await makeSingleFile({ platform: PLATFORM, withEnvoy: true, out: folder.path })
    for (const part of ['', '.licences.txt', '.cdx.json'])
      assert.equal(await sha256Of(`${again}${part}`), await sha256Of(`${singleFile}${part}`), part)
  })

  it('has sums that hold, a bill of materials with Node and Envoy, and their licences', () => {
    execFileSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: BUILT })
    const bill = JSON.parse(readFileSync(`${singleFile}.cdx.json`, 'utf8')) as {
      components: { name: string; version: string; type: string }[]
    }
    const programs = bill.components.filter(({ type }) => type !== 'library')
    assert.deepEqual(
      programs.map(({ name, version: its }) => `${name} ${its}`),
      [`envoy ${ENVOY_VERSION}`, `node ${NODE_VERSION}`],
    )
    const licences = readFileSync(`${singleFile}.licences.txt`, 'utf8')
    for (const words of ['Node.js is licensed for use as follows', 'Lyft Inc.', 'BoringSSL', 'nghttp2'])
      assert.ok(licences.includes(words), words)
  })
})
