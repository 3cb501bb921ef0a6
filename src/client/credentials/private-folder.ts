/**
 * A folder of small secrets that nobody else on this computer may read.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Fault, reasonOf, systemCodeOf } from '../../errors.ts'

const MOST_BYTES = 64 * 1024
/** Neither exists on Windows, where the user's own folder is nobody else's. */
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0
const own = process.getuid?.()

/** Names have no slash: they are made here. */
export class PrivateFolder {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** @throws {Fault} CREDENTIALS_UNUSABLE for a file that others could have read or written */
  read(name: string): string | undefined {
    if (!this.#isThere()) return undefined
    const path = join(this.path, name)
    const descriptor = this.#open(path)
    if (descriptor === undefined) return undefined
    try {
      const stats = fstatSync(descriptor)
      if (!stats.isFile() || stats.size > MOST_BYTES)
        throw unusable(path, 'it is no file of ours', `remove it: rm ${path}`)
      refuseOthers(path, stats, '600')
      return readFileSync(descriptor, 'utf8')
    } finally {
      closeSync(descriptor)
    }
  }

  #open(path: string): number | undefined {
    try {
      return openSync(path, constants.O_RDONLY | NO_FOLLOW)
    } catch (error) {
      const code = systemCodeOf(error)
      if (code === 'ENOENT') return undefined
      if (code === 'ELOOP') throw unusable(path, 'it is a symbolic link', `remove it: rm ${path}`)
      throw unusable(path, reasonOf(error), 'see who owns it')
    }
  }

  /** Whole or not at all; a link at that name is replaced, not followed. */
  write(name: string, text: string): void {
    this.#make()
    const path = join(this.path, name)
    const next = join(this.path, `${name}.${randomBytes(6).toString('hex')}.new`)
    try {
      writeFileSync(next, text, { flag: 'wx', mode: 0o600 })
      renameSync(next, path)
    } catch (error) {
      rmSync(next, { force: true })
      throw unusable(path, reasonOf(error), 'see whether the folder can be written')
    }
  }

  /** @returns false when there is one already */
  create(name: string, text: string): boolean {
    this.#make()
    const path = join(this.path, name)
    try {
      writeFileSync(path, text, { flag: 'wx', mode: 0o600 })
      return true
    } catch (error) {
      if (systemCodeOf(error) === 'EEXIST') return false
      throw unusable(path, reasonOf(error), 'see whether the folder can be written')
    }
  }

  remove(name: string): void {
    if (this.#isThere()) rmSync(join(this.path, name), { force: true })
  }

  names(): readonly string[] {
    return this.#isThere() ? readdirSync(this.path).toSorted() : []
  }

  #isThere(): boolean {
    const stats = lstatSync(this.path, { throwIfNoEntry: false })
    if (stats === undefined) return false
    if (!stats.isDirectory())
      throw unusable(this.path, 'it is no folder', 'move it away, or set SALLYPORT_CACHE_DIR')
    refuseOthers(this.path, stats, '700')
    return true
  }

  #make(): void {
    if (this.#isThere()) return
    try {
      mkdirSync(this.path, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw unusable(this.path, reasonOf(error), 'set SALLYPORT_CACHE_DIR to a folder that can be written')
    }
    // Somebody else may have been quicker, in a folder that all may write.
    this.#isThere()
  }
}

function refuseOthers(path: string, stats: Stats, mode: string): void {
  if (own === undefined) return
  if (stats.uid !== own)
    throw unusable(
      path,
      'it belongs to another user of this computer',
      'set SALLYPORT_CACHE_DIR to a folder of your own',
    )
  if ((stats.mode & 0o077) !== 0)
    throw unusable(
      path,
      'other users of this computer can read or write it',
      `run: chmod ${mode} ${path}; if somebody may have read it, also sign out in your browser`,
    )
}

const unusable = (path: string, why: string, cure: string): Fault =>
  new Fault('CREDENTIALS_UNUSABLE', `${path} is not used: ${why}; ${cure}`)
