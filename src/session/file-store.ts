/**
 * A store in one SQLite file, with the journal of sign-outs beside it.
 *
 * @module
 */
import { openSessionStore, type Store, type StoreOptions } from './session-store.ts'
import { SignOutJournal } from './sign-out-journal.ts'
import { IN_MEMORY } from './sqlite/sqlite-database.ts'
import { openSqliteDriver, type SqliteDriverOptions } from './sqlite/sqlite-driver.ts'

export interface FileStoreOptions extends StoreOptions, SqliteDriverOptions {}

/** @throws {Fault} STATE_UNUSABLE, STORE_UNAVAILABLE */
export async function openSqliteStore(options: FileStoreOptions): Promise<Store> {
  const { file } = options
  const driver = openSqliteDriver(options)
  const journal = file === IN_MEMORY ? undefined : new SignOutJournal(`${file}-sign-outs`)
  return await openSessionStore({ ...options, driver, journal })
}
