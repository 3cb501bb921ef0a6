/**
 * Whether the file that the store was opened from is still the one in its place, and how it comes back.
 *
 * A file that is deleted under a running process lives on, unseen, until the process ends. All that it holds
 * would be lost then without a word.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { renameSync, rmSync, statSync } from 'node:fs'
import { backup } from 'node:sqlite'
import { systemCodeOf } from '../../errors.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import { IN_MEMORY, openDatabase } from './sqlite-database.ts'

type Place = 'ours' | 'lost' | 'replaced' | 'unknown'

/** Pages that are copied before others get their turn: 1 MB. */
const PAGES_PER_STEP = 256
/** A copy during which something was written is made anew, so many times. */
const TRIES = 5

export class SqliteFile {
  readonly #path: string
  #identity: string | undefined

  constructor(path: string) {
    this.#path = path
    this.#identity = this.#identityNow()
  }

  get place(): Place {
    if (this.#path === IN_MEMORY) return 'ours'
    try {
      return this.#identityNow() === this.#identity ? 'ours' : 'replaced'
    } catch (error) {
      const code = systemCodeOf(error)
      return code === 'ENOENT' || code === 'ENOTDIR' ? 'lost' : 'unknown'
    }
  }

  /**
   * Puts a copy of all that is known in the place of a lost file, and goes on with that.
   *
   * @throws {Error} when there is no room, or no folder
   */
  async restore(connection: SqliteConnection): Promise<void> {
    // Of its own: another process may be making one as well.
    const copy = `${this.#path}.restored-${randomUUID()}`
    try {
      for (let attempt = 1; ; attempt++) {
        rmSync(copy, { force: true })
        const before = changesOf(connection)
        await backup(connection.database, copy, { rate: PAGES_PER_STEP })
        if (changesOf(connection) === before || attempt === TRIES) break
      }
      // A file that somebody else has put there meanwhile is not ours to replace.
      if (this.place !== 'lost') return
      for (const side of ['-wal', '-shm']) rmSync(`${this.#path}${side}`, { force: true })
      renameSync(copy, this.#path)
      connection.exchange(openDatabase(this.#path))
      this.#identity = this.#identityNow()
    } finally {
      rmSync(copy, { force: true })
    }
  }

  #identityNow(): string | undefined {
    if (this.#path === IN_MEMORY) return undefined
    const { dev, ino } = statSync(this.#path, { bigint: true })
    return `${dev}:${ino}`
  }
}

/** Rows that this connection has ever changed. */
function changesOf(connection: SqliteConnection): unknown {
  return connection.prepare('SELECT total_changes() AS changes').get()?.['changes']
}
