/**
 * Sign-outs that could not be written to the database, on disk space that was set aside for them.
 *
 * A full disk must not bring anybody back in, also not by a restart. Writing over bytes that a file has
 * already needs no new space, so a small file of zeros is kept beside the database. Whoever opens the store
 * next deletes what stands in it.
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

  /** @param file beside the database; made with its space at once */
  constructor(file: string) {
    this.#file = file
  }

  /** The ids that stand in it. Makes the file if there is none yet. */
  read(): readonly string[] {
    return this.#withFile((descriptor) => slotsOf(descriptor).filter((id) => id !== ''))
  }

  /**
   * On the disk when it returns. Another process may have noted others, or taken some out: all that must
   * stand in it are looked for.
   *
   * @throws {Error} when the journal is full or can't be written
   */
  keep(ids: readonly string[]): void {
    this.#withFile((descriptor) => {
      const slots = slotsOf(descriptor)
      const known = new Set(slots)
      let slot = 0
      for (const id of ids) {
        if (known.has(id)) continue
        while (slots[slot] !== '' && slot < SLOTS) slot += 1
        if (slot === SLOTS) throw new Error('the journal of sign-outs is full')
        writeSlot(descriptor, slot, id)
        slot += 1
      }
      fdatasyncSync(descriptor)
    })
  }

  /** After these are in the database. */
  remove(ids: readonly string[]): void {
    const gone = new Set(ids)
    this.#withFile((descriptor) => {
      for (const [slot, id] of slotsOf(descriptor).entries())
        if (gone.has(id)) writeSlot(descriptor, slot, '')
    })
  }

  #withFile<T>(act: (descriptor: number) => T): T {
    const descriptor = openSync(this.#file, constants.O_RDWR | constants.O_CREAT, 0o600)
    try {
      return act(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }
}

/** What stands in each slot; '' for a free one. */
function slotsOf(descriptor: number): readonly string[] {
  const bytes = Buffer.alloc(SLOTS * SLOT_BYTES)
  const length = readSync(descriptor, bytes, 0, bytes.length, 0)
  // Zeros that are written, not a hole: the space must be there when there is none left.
  if (length < bytes.length) {
    writeSync(descriptor, Buffer.alloc(bytes.length - length), 0, bytes.length - length, length)
    fdatasyncSync(descriptor)
  }
  return Array.from({ length: SLOTS }, (_, slot) =>
    bytes.toString('latin1', slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES).replace(/\0.*$/s, ''),
  )
}

function writeSlot(descriptor: number, slot: number, id: string): void {
  const bytes = Buffer.alloc(SLOT_BYTES)
  bytes.write(id.slice(0, SLOT_BYTES - 1), 'latin1')
  writeSync(descriptor, bytes, 0, SLOT_BYTES, slot * SLOT_BYTES)
}
