/**
 * Whether some process has the database of a state folder open: the running proxy, wherever its sockets are.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/**
 * As long as another process has a database open in WAL, it can't be led out of WAL. Led out, it is led back.
 */
export function isStoreInUse(file: string): boolean {
  if (!existsSync(file)) return false
  using database = new DatabaseSync(file, { timeout: 0 })
  try {
    const row = database.prepare('PRAGMA journal_mode = DELETE').get()
    if (row?.['journal_mode'] === 'wal') return true
    database.exec('PRAGMA journal_mode = WAL')
    return false
  } catch {
    return true
  }
}
