/**
 * How well the file is, and how it is mended.
 *
 * @module
 */
import { reasonOf } from '../../errors.ts'
import type { SqliteConnection, Statement } from './sqlite-connection.ts'
import type { SqliteFile } from './sqlite-file.ts'

export interface FileEvents {
  /** The file was deleted; it has been written anew, or could not be (then with the reason). */
  readonly onFileLost?: (failure: string | undefined) => void
}

interface Parts {
  readonly connection: SqliteConnection
  readonly file: SqliteFile
  readonly events: FileEvents
}

export class SqliteHealth {
  readonly #parts: Parts
  readonly #write: Statement
  #restoring: Promise<void> | undefined
  #place: SqliteFile['place'] = 'ours'
  #restoreFailure: string | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#write = parts.connection.prepare('UPDATE store SET seen_at = seen_at')
  }

  /** A sentence on what is wrong; `undefined` when all is well. */
  get problem(): string | undefined {
    const { connection } = this.#parts
    const problems = [
      connection.failure && `the session store fails: ${connection.failure.reason}`,
      this.#problemOfFile(),
    ].filter((problem) => problem !== undefined)
    return problems.length === 0 ? undefined : problems.join('; ')
  }

  /** Answers later when a copy is being made. */
  probe(): Promise<void> | undefined {
    const { connection, file } = this.#parts
    try {
      this.#write.run()
      connection.forgive()
    } catch {
      // The connection has noted it.
    }
    this.#place = file.place
    if (this.#place === 'lost') this.#restoring ??= this.#restore()
    return this.#restoring
  }

  /** Resolves when no copy is being made. */
  async settled(): Promise<void> {
    await this.#restoring
  }

  async #restore(): Promise<void> {
    const { connection, file, events } = this.#parts
    const before = this.#restoreFailure
    try {
      await file.restore(connection)
      this.#restoreFailure = undefined
      this.#place = file.place
      events.onFileLost?.(undefined)
    } catch (error) {
      this.#restoreFailure = reasonOf(error)
      // Tried again at each probe; told once for each reason.
      if (this.#restoreFailure !== before) events.onFileLost?.(this.#restoreFailure)
    } finally {
      this.#restoring = undefined
    }
  }

  #problemOfFile(): string | undefined {
    switch (this.#place) {
      case 'lost':
        return `the database file was deleted${this.#restoreFailure === undefined ? '' : ` and can't be written anew (${this.#restoreFailure})`}: all sessions end with this process`
      case 'replaced':
        return 'another file stands in the place of the database: restart to use that one, or put the old one back'
      case 'unknown':
        return 'the place of the database file can not be looked into'
      case 'ours':
        return undefined
    }
  }
}
