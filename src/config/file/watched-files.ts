/**
 * Says when files have changed and are whole again: the one place that decides when a file may be read.
 *
 * - A file that took its place by a rename, or behind a link that was swapped, was whole before. It counts at
 *   once.
 * - A file that is written in place counts when its size, times and content have stood still for `STILL_MS`.
 *   So does one that is empty or missing, and one that was written just before its folder came into view.
 * - Whatever the system does not tell of is found by looking, every `LOOK_MS`: network file systems, mounts,
 *   rights.
 *
 * A writer who pauses for longer than `STILL_MS` can't be told from one who has finished.
 *
 * @module
 */

import { hash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemCodeOf } from '../../errors.ts'
import { type FolderEvent, FolderEvents } from './folder-events.ts'
import { type WatchedFolders, watchedFolders } from './watched-folders.ts'

/** How long a file that is written in place must stand still. */
export const STILL_MS = 250

/** A rename is often one of several; this long after the last of them the file is read. */
const QUIET_MS = 25

/** How often it is looked for what the system did not tell. */
const LOOK_MS = 2000

/** Of longer files the size and the times must do: they are read whole only once they stand still. */
const LONGEST_COMPARED = 1024 * 1024

interface Look {
  /** Path → size, times and identity, or why the file can't be seen. */
  readonly marks: ReadonlyMap<string, string>
  /** Epoch milliseconds of the last write to any of them. */
  readonly writtenAt: number
  /** An empty or missing file is mostly one that is about to be written. */
  readonly isPartial: boolean
}

export class WatchedFiles implements Disposable {
  readonly #onStill: () => void
  readonly #events: FolderEvents
  readonly #looking: NodeJS.Timeout
  #paths: readonly string[] = []
  #folders: WatchedFolders = new Map()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  /** When the files may be read, by `performance.now()`. */
  #due = 0
  /** No write was seen in this wait. */
  #isShort = true
  #changes = 0
  /**
   * How the files looked after the last sign of a change: what changes later, without a sign, begins the wait
   * anew.
   */
  #begun: Promise<Look> | undefined
  #isLooking = false
  /** How the files looked when they were last said to stand still. */
  #reported: Look | undefined

  /** @param onStill something has changed, and all files stand still now */
  constructor(paths: readonly string[], onStill: () => void) {
    this.#onStill = onStill
    this.#events = new FolderEvents((event, folder, name) => this.#notice(event, folder, name))
    this.#looking = setInterval(() => void this.#lookAround(), LOOK_MS).unref()
    this.#paths = paths.map((path) => resolve(path))
    this.#openFolders()
    void this.#lookFirst()
  }

  /** Grows with each sign of a change: who reads the files compares it before and after. */
  get changes(): number {
    return this.#changes
  }

  /** Folders whose changes are found by looking only. */
  get blindFolders(): readonly string[] {
    return [...this.#events.blind]
  }

  /** The files may have changed before they were watched. */
  suspect(): void {
    this.#wait('written')
  }

  /** Watches these files and no others. */
  follow(paths: readonly string[]): void {
    this.#paths = paths.map((path) => resolve(path))
    // What was written before the watch was set up is not told.
    if (this.#openFolders()) this.#wait('written')
  }

  [Symbol.dispose](): void {
    clearInterval(this.#looking)
    clearTimeout(this.#timer)
    this.#events[Symbol.dispose]()
    this.#isClosed = true
  }

  async #lookFirst(): Promise<void> {
    const look = await lookAt(this.#paths)
    this.#reported ??= look
  }

  /** @returns whether a folder came into view */
  #openFolders(): boolean {
    this.#folders = watchedFolders(this.#paths)
    return this.#events.follow([...this.#folders.keys()]).length > 0
  }

  #notice(event: FolderEvent, folder: string, name: string | undefined): void {
    const isOfFolder = name === undefined || name === basename(folder)
    if (isOfFolder || this.#folders.get(folder)?.has(name) === true) this.#wait(event)
  }

  #wait(event: FolderEvent): void {
    if (this.#isClosed) return
    this.#changes += 1
    const wait = event === 'written' ? STILL_MS : QUIET_MS
    if (event === 'written') this.#isShort = false
    this.#due = Math.max(this.#due, performance.now() + wait)
    if (!this.#isLooking) this.#begun = this.#lookWhenQuiet()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#settle(), this.#due - performance.now())
  }

  /** One look at a time, however many signs come. */
  async #lookWhenQuiet(): Promise<Look> {
    this.#isLooking = true
    for (;;) {
      const before = this.#changes
      const look = await lookAt(this.#paths)
      if (before === this.#changes) {
        this.#isLooking = false
        return look
      }
      await delay(QUIET_MS)
    }
  }

  async #settle(): Promise<void> {
    const before = this.#changes
    const begun = await this.#begun
    const isNewInView = this.#openFolders()
    const look = await lookAt(this.#paths)
    if (this.#changes !== before || this.#isClosed) return
    const isMoving = begun !== undefined && !isSame(begun, look)
    if (isMoving || (this.#isShort && (look.isPartial || (isNewInView && isYoung(look))))) {
      this.#wait('written')
      return
    }
    this.#timer = undefined
    this.#due = 0
    this.#isShort = true
    this.#reported = look
    this.#onStill()
  }

  async #lookAround(): Promise<void> {
    if (this.#timer !== undefined) return
    const isNewInView = this.#openFolders()
    const look = await lookAt(this.#paths)
    const isChanged = this.#reported !== undefined && !isSame(this.#reported, look)
    if (this.#timer === undefined && (isChanged || isNewInView)) this.#wait('written')
  }
}

/** Resolves when the files stand still: for a reading that nothing announced, such as the first. */
export async function standingStill(paths: readonly string[]): Promise<void> {
  let look = await lookAt(paths)
  while (isYoung(look)) {
    await delay(STILL_MS)
    const next = await lookAt(paths)
    if (isSame(look, next)) return
    look = next
  }
}

/** Whether the last write was a moment ago. A time of the future says nothing. */
function isYoung({ writtenAt }: Look): boolean {
  const age = Date.now() - writtenAt
  return age >= 0 && age < STILL_MS
}

function isSame(one: Look, other: Look): boolean {
  if (one.marks.size !== other.marks.size) return false
  for (const [path, mark] of one.marks) if (other.marks.get(path) !== mark) return false
  return true
}

/** So many files at once: each look-up takes a thread for a moment. */
const AT_ONCE = 64

async function lookAt(paths: readonly string[]): Promise<Look> {
  const marks = new Map<string, string>()
  let writtenAt = Number.NEGATIVE_INFINITY
  let isPartial = false
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const seen = await Promise.all(paths.slice(at, at + AT_ONCE).map((path) => markOf(path)))
    for (const { path, mark, mtimeMs, size } of seen) {
      marks.set(path, mark)
      writtenAt = Math.max(writtenAt, mtimeMs)
      if (size === 0) isPartial = true
    }
  }
  return { marks, writtenAt, isPartial }
}

interface Mark {
  readonly path: string
  readonly mark: string
  readonly mtimeMs: number
  readonly size: number
}

async function markOf(path: string): Promise<Mark> {
  try {
    const file = await stat(path, { bigint: true })
    const { dev, ino, size, mtimeNs, ctimeNs, mtimeMs } = file
    const isCompared = file.isFile() && size <= LONGEST_COMPARED
    const content = isCompared ? hash('sha256', await readFile(path), 'base64url') : ''
    const mark = [dev, ino, size, mtimeNs, ctimeNs, content].join(':')
    return { path, mark, mtimeMs: Number(mtimeMs), size: Number(size) }
  } catch (error) {
    const mark = systemCodeOf(error) ?? String(error)
    return { path, mark, mtimeMs: Number.NEGATIVE_INFINITY, size: 0 }
  }
}
