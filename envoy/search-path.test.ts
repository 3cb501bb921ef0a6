import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { searchPath } from './search-path.ts'

it('passes over folders of PATH that can’t be entered, are missing, or are files', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'path-'))
  t.after(async () => await rm(folder, { recursive: true }))
  await symlink('loop', join(folder, 'loop'))
  await mkdir(join(folder, 'bin'))
  await writeFile(join(folder, 'bin', 'envoy'), '', { mode: 0o755 })
  await mkdir(join(folder, 'folder', 'envoy'), { recursive: true })
  await mkdir(join(folder, 'unusable'))
  await writeFile(join(folder, 'unusable', 'envoy'), '', { mode: 0o644 })
  const long = join(folder, 'x'.repeat(5_000))
  const PATH = ['loop', 'missing', 'bin/envoy', 'folder', 'unusable', 'bin'].map((name) => join(folder, name))
  assert.equal(searchPath('envoy', { PATH: [long, ...PATH].join(':') }), join(folder, 'bin', 'envoy'))
  assert.equal(searchPath('nothing', { PATH: PATH.join(':') }), undefined)
})
