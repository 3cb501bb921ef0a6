/**
 * A backup as one file: a line of JSON that lists what is in it, then the bytes of each file, one after the
 * other, then the checksum of all before.
 *
 * @module
 */
import { createHash, type Hash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { z } from 'zod'
import { Fault } from '../../errors.ts'

/** Grows when an older program could not read what this one writes. */
const VERSION = 1

/** A path below the state folder: nothing that leads out of it. */
const PATH = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[\w.-]+(?:\/[\w.-]+)*$/

const Listed = z.strictObject({ path: z.string().regex(PATH), bytes: z.number().int().min(0) })
const Header = z.strictObject({
  format: z.literal('sallyport-backup'),
  version: z.number().int().min(1),
  made_at: z.string(),
  made_by: z.string(),
  files: z.array(Listed).max(10_000),
})
export type ArchiveHeader = z.output<typeof Header>

/** Of the first line, which comes before anything is known of the file. */
const LONGEST_HEADER = 2 * 1024 * 1024
const PIECE_BYTES = 1024 * 1024
const CHECKSUM_BYTES = 32

export interface ArchivedFile {
  readonly path: string
  readonly bytes: number
  /** Where its bytes are read. */
  readonly source: string
}

/** The target must not be there yet, and is whole on the disk when this returns. */
export function writeArchive(
  target: string,
  files: readonly ArchivedFile[],
  { madeAt, madeBy }: { readonly madeAt: Date; readonly madeBy: string },
): void {
  const header: ArchiveHeader = {
    format: 'sallyport-backup',
    version: VERSION,
    made_at: madeAt.toISOString(),
    made_by: madeBy,
    files: files.map(({ path, bytes }) => ({ path, bytes })),
  }
  const descriptor = openSync(target, 'wx', 0o600)
  try {
    const hash = createHash('sha256')
    const write = (bytes: Uint8Array): void => {
      hash.update(bytes)
      writeAll(descriptor, bytes)
    }
    write(Buffer.from(`${JSON.stringify(header)}\n`))
    for (const { source, bytes } of files) {
      const from = openSync(source, 'r')
      try {
        copy({ from, bytes, write, name: source })
      } finally {
        closeSync(from)
      }
    }
    writeAll(descriptor, hash.digest())
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Hands each file to `place`, which says where it is written; nothing counts before this returns.
 *
 * @throws {Fault} STATE_UNUSABLE for what is no backup, was cut short or altered, or is of a newer version
 */
export function readArchive(file: string, place: (path: string) => string): ArchiveHeader {
  const descriptor = openSync(file, 'r')
  try {
    const hash = createHash('sha256')
    const header = readHeader(descriptor, hash, file)
    for (const { path, bytes } of header.files) {
      const target = openSync(place(path), 'wx', 0o600)
      try {
        copy({
          from: descriptor,
          bytes,
          name: file,
          write: (piece) => (hash.update(piece), writeAll(target, piece)),
        })
        fsyncSync(target)
      } finally {
        closeSync(target)
      }
    }
    const expected = hash.digest()
    // one byte more, to see that nothing follows
    const found = Buffer.alloc(CHECKSUM_BYTES + 1)
    const read = readUpTo(descriptor, found)
    if (read !== CHECKSUM_BYTES || !expected.equals(found.subarray(0, CHECKSUM_BYTES)))
      throw new Fault(
        'STATE_UNUSABLE',
        `${file}: was altered or damaged since it was made; take another backup`,
      )
    return header
  } finally {
    closeSync(descriptor)
  }
}

function readHeader(descriptor: number, hash: Hash, file: string): ArchiveHeader {
  const line: number[] = []
  const byte = Buffer.alloc(1)
  while (readSync(descriptor, byte, 0, 1, null) === 1 && byte[0] !== 0x0a) {
    line.push(byte[0] ?? 0)
    if (line.length === 1 && byte[0] !== 0x7b) break
    if (line.length > LONGEST_HEADER) break
  }
  const text = Buffer.from(line)
  hash.update(text).update('\n')
  const parsed = parse(text.toString('utf8'))
  const version = z
    .looseObject({ format: z.literal('sallyport-backup'), version: z.number() })
    .safeParse(parsed)
  if (!version.success) throw new Fault('STATE_UNUSABLE', `${file}: is no backup of Sallyport`)
  if (version.data.version > VERSION)
    throw new Fault(
      'STATE_UNUSABLE',
      `${file}: was made by a newer Sallyport (format ${version.data.version}, this one reads ${VERSION}); restore it with that version`,
    )
  const header = Header.safeParse(parsed)
  if (!header.success)
    throw new Fault('STATE_UNUSABLE', `${file}: its list of files is damaged; take another backup`)
  return header.data
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function copy({
  from,
  bytes,
  write,
  name,
}: {
  readonly from: number
  readonly bytes: number
  readonly name: string
  readonly write: (piece: Uint8Array) => void
}): void {
  const buffer = Buffer.alloc(Math.min(PIECE_BYTES, bytes))
  for (let left = bytes; left > 0; ) {
    const read = readSync(from, buffer, 0, Math.min(left, buffer.length), null)
    if (read === 0) throw new Fault('STATE_UNUSABLE', `${name}: ends too early; take another backup`)
    write(buffer.subarray(0, read))
    left -= read
  }
}

function readUpTo(descriptor: number, into: Buffer): number {
  let length = 0
  for (;;) {
    const read = readSync(descriptor, into, length, into.length - length, null)
    length += read
    if (read === 0 || length === into.length) return length
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
}
