import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { parse } from 'yaml'
import { loadProtos } from '../src/gen/protos.ts'
import { type Json, Packer } from '../src/xds/ads/pack.ts'
import { bootstrapFor, bootstrapYaml, heapLimit, SHIPPED_RUN_DIRECTORY } from './bootstrap.ts'
import { runDirFor } from './run-dir.ts'

const root = mkdtempSync(join(tmpdir(), 'sallyport-run-'))
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
      ['admin', 'xds', 'authz', 'http'].map((name) => `/somewhere/${name}.sock`),
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
