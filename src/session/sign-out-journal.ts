/**
 * Sign-outs that could not be written to the database, on disk space that was set aside for them.
 *
 * A full disk must not bring anybody back in, also not by a restart. Writing over bytes that a file has already needs no
 * new space, so a small file of zeros is kept beside the database. Whoever opens the store next deletes what stands in it.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { closeSync, constants, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs'

/** An id of 22 characters and a line feed, with room to spare. */
const SLOT_BYTES = 64
const SLOTS = 1024

export class SignOutJournal {
  readonly #file: string
  #used = 0

  /** @param file beside the database; made with its space at once */
  constructor(file: string) {
    this.#file = file
  }

  /** The ids that stand in it. Makes the file if there is none yet. */
  read(): readonly string[] {
    const bytes = Buffer.alloc(SLOTS * SLOT_BYTES)
    this.#withFile((descriptor) => {
      const length = readSync(descriptor, bytes, 0, bytes.length, 0)
      // Zeros that are written, not a hole: the space must be there when there is none left.
      if (length < bytes.length) {
        writeSync(descriptor, Buffer.alloc(bytes.length - length), 0, bytes.length - length, length)
        fdatasyncSync(descriptor)
      }
    })
    const ids: string[] = []
    for (let slot = 0; slot < SLOTS; slot++) {
      const id = bytes.toString('latin1', slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES).replace(/\0.*$/s, '')
      if (id === '') break
      ids.push(id)
    }
    this.#used = ids.length
    return ids
  }

  /** On the disk when it returns. @throws {Error} when the journal is full or can't be written */
  add(ids: readonly string[]): void {
    if (this.#used + ids.length > SLOTS) throw new Error('the journal of sign-outs is full')
    const bytes = Buffer.alloc(ids.length * SLOT_BYTES)
    for (const [index, id] of ids.entries())
      bytes.write(id.slice(0, SLOT_BYTES - 1), index * SLOT_BYTES, 'latin1')
    this.#withFile((descriptor) => {
      writeSync(descriptor, bytes, 0, bytes.length, this.#used * SLOT_BYTES)
      fdatasyncSync(descriptor)
    })
    this.#used += ids.length
  }

  /** After all of them are in the database. */
  clear(): void {
    if (this.#used === 0) return
    const length = this.#used * SLOT_BYTES
    this.#withFile((descriptor) => writeSync(descriptor, Buffer.alloc(length), 0, length, 0))
    this.#used = 0
  }

  #withFile(act: (descriptor: number) => void): void {
    const descriptor = openSync(this.#file, constants.O_RDWR | constants.O_CREAT, 0o600)
    try {
      act(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }
}
