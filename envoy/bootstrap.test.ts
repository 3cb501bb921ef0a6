import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { parse } from 'yaml'
import { loadProtos } from '../src/gen/protos.ts'
import { type Json, Packer } from '../src/xds/ads/pack.ts'
import { bootstrapFor, bootstrapYaml, heapLimit, SHIPPED_RUN_DIRECTORY } from './bootstrap.ts'
import { namedRunDir, runDirFor } from './run-dir.ts'

const root = mkdtempSync(join(tmpdir(), 'sallyport-run-'))
const isNotRoot = process.getuid?.() !== 0 && 'only root gives folders away'
after(() => rmSync(root, { recursive: true, force: true }))

describe('bootstrapFor', () => {
  it('is what the shipped bootstrap.yaml says', () => {
    const path = join(import.meta.dirname, 'bootstrap.yaml')
    const expected = bootstrapYaml({ runDirectory: SHIPPED_RUN_DIRECTORY })
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, expected)
    assert.equal(readFileSync(path, 'utf8'), expected)
    assert.deepEqual(parse(expected), bootstrapFor({ runDirectory: SHIPPED_RUN_DIRECTORY }))
  })

  it('has no field that envoy.config.bootstrap.v3.Bootstrap lacks', () => {
    const packer = new Packer((name) => loadProtos().type(name))
    const bootstrap = bootstrapFor({ runDirectory: '/run/x' }) as { readonly [key: string]: Json }
    const type = 'type.googleapis.com/envoy.config.bootstrap.v3.Bootstrap'
    assert.ok(packer.pack({ '@type': type, ...bootstrap }).length > 0)
  })

  it('reaches Sallyport over Unix sockets alone and opens no port', () => {
    const text = JSON.stringify(bootstrapFor({ runDirectory: '/somewhere' }))
    assert.doesNotMatch(text, /socket_address|port_value/)
    assert.deepEqual(
      [...text.matchAll(/"path":"([^"]+)"/g)].map(([, path]) => path),
      ['admin', 'xds', 'authz', 'supervise', 'http'].map((name) => `/somewhere/${name}.sock`),
    )
  })
})

describe('heapLimit', () => {
  it('is half of the memory, and never so little that Envoy cannot work', () => {
    assert.equal(heapLimit(8 * 1024 ** 3), 4 * 1024 ** 3)
    assert.equal(heapLimit(100 * 1024 ** 2), 256 * 1024 ** 2)
  })
})

describe('runDirFor', () => {
  it('is a private folder beside the state', () => {
    const state = join(root, 'state')
    mkdirSync(join(state, 'run'), { recursive: true, mode: 0o755 })
    assert.equal(runDirFor(state), join(state, 'run'))
    assert.equal(statSync(join(state, 'run')).mode & 0o777, 0o700)
  })

  it('is elsewhere, private and the same each time, when the path is too long for a socket', () => {
    const state = join(root, 'long'.repeat(30))
    const directory = runDirFor(state, root)
    assert.match(directory, /\/sallyport-[0-9a-f]{12}$/)
    assert.equal(statSync(directory).mode & 0o777, 0o700)
    assert.equal(runDirFor(state, root), directory)
    assert.notEqual(runDirFor(`${state}x`, root), directory)
  })

  it('follows no link that somebody put in its place', () => {
    const state = join(root, 'linked'.repeat(20))
    const directory = runDirFor(state, root)
    rmSync(directory, { recursive: true })
    symlinkSync(root, directory)
    assert.match(runDirFor(state, root), /\/sallyport-[0-9a-f]{12}-\w{6}$/)
  })

  it('says so when the state folder has a file in the way', () => {
    writeFileSync(join(root, 'file'), '')
    assert.throws(() => runDirFor(join(root, 'file')), { code: 'STATE_UNUSABLE' })
  })
})

function folder(name: string, mode: number): string {
  const path = join(root, name)
  mkdirSync(path)
  chmodSync(path, mode)
  return path
}

describe('a run folder that somebody names', () => {
  it('is made private where it is not there, and those above it too', () => {
    const path = join(root, 'named', 'below')
    assert.equal(namedRunDir(path), path)
    assert.equal(statSync(path).mode & 0o777, 0o700)
    assert.equal(statSync(join(root, 'named')).mode & 0o777, 0o700)
  })

  it('keeps its mode where only this user, and its group, may write', () => {
    for (const mode of [0o700, 0o750, 0o755, 0o770]) {
      const path = folder(`mode-${mode}`, mode)
      assert.equal(namedRunDir(path), path)
      assert.equal(statSync(path).mode & 0o777, mode)
    }
  })

  it('is refused where anybody may write, as in a volume of Kubernetes or in /tmp', () => {
    for (const mode of [0o2777, 0o1777, 0o702]) {
      const path = folder(`open-${mode}`, mode)
      assert.throws(() => namedRunDir(path), {
        code: 'STATE_UNUSABLE',
        message: /everybody may write to it \(mode \d{4}\).*open-\d+\/private/,
      })
      // As the message says.
      assert.equal(namedRunDir(join(path, 'private')), join(path, 'private'))
    }
  })

  it('is refused where it is another user’s, or another group may write', { skip: isNotRoot }, () => {
    const [others, group] = [folder('others', 0o700), folder('group', 0o770)]
    chownSync(others, 12_345, 0)
    chownSync(group, 0, 12_345)
    assert.throws(() => namedRunDir(others), { message: /belongs to another user \(12345\)/ })
    assert.throws(() => namedRunDir(group), { message: /group 12345 may write to it \(mode 0770\)/ })
    chmodSync(group, 0o750)
    assert.equal(namedRunDir(group), group)
  })

  it('is refused with a reason where it can not be made, or is too long', () => {
    writeFileSync(join(root, 'in-the-way'), '')
    for (const path of [join(root, 'in-the-way'), '/dev/null/run', join(root, 'x'.repeat(100))])
      assert.throws(() => namedRunDir(path), { code: 'STATE_UNUSABLE' })
  })
})
