/**
 * The SQLite file: opening it safely, its schema, and its failures as faults.
 *
 * @module
 */
import { chmodSync, closeSync, openSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Fault, reasonOf, systemCodeOf } from '../../errors.ts'
import { makeFolder } from '../../make-folder.ts'

/**
 * Each entry brings the schema from the version that is its index to the next; never change one that shipped.
 */
const MIGRATIONS = [
  `CREATE TABLE session (
     id TEXT PRIMARY KEY,
     idp_id TEXT NOT NULL,
     user_id TEXT NOT NULL,
     profile TEXT NOT NULL,   -- JSON: email, name, claims, groups
     tokens TEXT NOT NULL,    -- sealed JSON
     issued_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     refresh_at INTEGER,      -- when the first of its tokens ends, if they can be refreshed
     version INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX session_by_user ON session (user_id);
   CREATE INDEX session_by_expiry ON session (expires_at);
   CREATE INDEX session_by_refresh ON session (refresh_at) WHERE refresh_at IS NOT NULL;
   CREATE INDEX session_by_version ON session (version);
   -- What was deleted, until it would have expired: other processes learn of it here, and nothing brings it back.
   CREATE TABLE deleted (
     id TEXT PRIMARY KEY,
     expires_at INTEGER NOT NULL,
     version INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX deleted_by_version ON deleted (version);
   CREATE TABLE claimed (key BLOB PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE store (
     only INTEGER PRIMARY KEY CHECK (only = 1),
     version INTEGER NOT NULL,  -- of the newest change
     seen_at INTEGER NOT NULL,  -- the latest time that was on the wall clock
     canary TEXT NOT NULL       -- sealed; tells whether our key is the one that the tokens were sealed with
   ) STRICT;
   INSERT INTO store VALUES (1, 0, 0, '');`,
  `CREATE TABLE record (
     collection TEXT NOT NULL,
     id TEXT NOT NULL,
     value TEXT,              -- JSON; NULL once deleted
     version INTEGER NOT NULL,
     changed_at INTEGER NOT NULL,
     PRIMARY KEY (collection, id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX record_by_version ON record (version);`,
  `-- When a session was last used; apart from it, because it changes with every use and nobody needs to hear of it.
   CREATE TABLE activity (
     session_id TEXT PRIMARY KEY,
     issued_at INTEGER NOT NULL,  -- of the session
     seen_at INTEGER NOT NULL,
     silence INTEGER NOT NULL     -- the longest before that
   ) STRICT, WITHOUT ROWID;`,
  `-- When the provider has last told who it is, and until when it can be asked again.
   ALTER TABLE session ADD COLUMN claims_at INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE session ADD COLUMN askable_until INTEGER NOT NULL DEFAULT 0;
   CREATE INDEX session_by_claims ON session (claims_at);`,
  `-- By how much the wall clock was set back in all: times in this file are wall-clock times plus this.
   ALTER TABLE store ADD COLUMN set_back INTEGER NOT NULL DEFAULT 0;
   CREATE INDEX claimed_by_expiry ON claimed (expires_at);
   CREATE INDEX deleted_by_expiry ON deleted (expires_at);
   DELETE FROM activity WHERE session_id NOT IN (SELECT id FROM session);
   CREATE INDEX record_deleted ON record (changed_at) WHERE value IS NULL;
   CREATE TRIGGER session_gone AFTER DELETE ON session
     BEGIN DELETE FROM activity WHERE session_id = OLD.id; END;`,
]

/** A file with a higher one is of a newer Sallyport, and is refused. */
export const SCHEMA_VERSION = MIGRATIONS.length

/** "SaPo": tells our file from any other SQLite file. */
const APPLICATION_ID = 0x5361506f
/** The program stands still while it waits for another process's write, which takes a few milliseconds. */
const BUSY_TIMEOUT_MS = 1000
/**
 * For opening the file while other processes make it. Each of them holds it for some milliseconds, many
 * times.
 */
const OPENING_PATIENCE_MS = 3000
const RETRY_MS = 5

/** SQLite's name for a database that is gone when it is closed: for tests and measurements. */
export const IN_MEMORY = ':memory:'

/** @throws {Fault} STATE_UNUSABLE, saying what to do */
export function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    if (file !== IN_MEMORY) reserveFile(file)
    database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
    settingUp(database, file)
    return database
  } catch (cause) {
    database?.close()
    throw cause instanceof Fault ? cause : unusable(file, cause)
  }
}

/**
 * Again while another process does the same: the switch to WAL asks for a lock that SQLite does not wait for,
 * lest two that hold a smaller one wait for each other for ever.
 */
function settingUp(database: DatabaseSync, file: string): void {
  const patience = performance.now() + OPENING_PATIENCE_MS
  for (;;) {
    try {
      assertOurs(database, file)
      // NORMAL: a power cut may lose the last commits but never damages the file. What must not be lost, a
      // deletion, is committed with FULL (see `durably`).
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON')
      migrate(database)
      return
    } catch (error) {
      if (!isBusy(error) || performance.now() > patience) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
  }
}

/** Another connection holds a lock that is needed. @see https://www.sqlite.org/rescode.html#busy */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_BUSY
}

const SQLITE_BUSY = 5

/** @throws {Fault} STORE_UNAVAILABLE for what SQLite refuses; bugs of ours come through as they are */
export function guarded<T>(act: () => T): T {
  try {
    return act()
  } catch (cause) {
    if (systemCodeOf(cause) === 'ERR_SQLITE_ERROR')
      throw new Fault('STORE_UNAVAILABLE', `the session store failed: ${reasonOf(cause)}`, { cause })
    throw cause
  }
}

/** A database, or a connection to one. */
type Transactional = Pick<DatabaseSync, 'exec' | 'isTransaction'>

/** All of it or nothing. One that only reads sees one state of the file, and waits for nobody. */
export function inTransaction<T>(
  database: Transactional,
  act: () => T,
  what: 'reading' | 'writing' = 'writing',
): T {
  database.exec(what === 'writing' ? 'BEGIN IMMEDIATE' : 'BEGIN')
  try {
    const result = act()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** A transaction that is on the disk when it returns: some milliseconds, against microseconds. */
export function durably<T>(database: Transactional, act: () => T): T {
  database.exec('PRAGMA synchronous = FULL')
  try {
    return inTransaction(database, act)
  } finally {
    database.exec('PRAGMA synchronous = NORMAL')
  }
}

/** One number of a one-row answer, as PRAGMAs and counts give. */
export function numberOf(database: DatabaseSync, sql: string): number {
  const [value] = Object.values(database.prepare(sql).get() ?? {})
  return typeof value === 'number' ? value : 0
}

function reserveFile(file: string): void {
  makeFolder(dirname(file), 0o700)
  // SQLite gives its side files the mode of the database, so that must be right before it sees it.
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
}

/** Before anything is written: the file may belong to somebody else. */
function assertOurs(database: DatabaseSync, file: string): void {
  const [verdict] = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})
  if (verdict !== 'ok') throw unusable(file, new Error(String(verdict)))
  const isEmpty = numberOf(database, 'SELECT count(*) FROM sqlite_schema') === 0
  if (!isEmpty && numberOf(database, 'PRAGMA application_id') !== APPLICATION_ID)
    throw new Fault('STATE_UNUSABLE', `${file} is a database of another program: choose another state folder`)
  if (numberOf(database, 'PRAGMA user_version') > SCHEMA_VERSION)
    throw new Fault(
      'STATE_UNUSABLE',
      `${file} was written by a newer Sallyport: run that one, or move it away`,
    )
}

function migrate(database: DatabaseSync): void {
  const isOld = inTransaction(database, () => {
    const found = numberOf(database, 'PRAGMA user_version')
    for (const step of MIGRATIONS.slice(found)) database.exec(step)
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; PRAGMA application_id = ${APPLICATION_ID}`)
    return found < SCHEMA_VERSION
  })
  // Into the file itself: a package of an older version reads there, without SQLite, whether it fits.
  if (isOld) database.exec('PRAGMA wal_checkpoint(PASSIVE)')
}

function unusable(file: string, cause: unknown): Fault {
  const why = reasonOf(cause)
  return new Fault(
    'STATE_UNUSABLE',
    `the session store ${file} can't be used (${why}): ${cureFor(file, why)}`,
    {
      cause,
    },
  )
}

function cureFor(file: string, why: string): string {
  if (/^ENOSPC|database or disk is full/i.test(why) || hasNoSpace(file))
    return 'free some space on its disk; nothing is lost'
  if (/^(EACCES|EPERM|EROFS)|readonly|read-only/i.test(why)) return 'make it writable for this user'
  if (/^EMFILE|^ENFILE/.test(why)) return 'raise the limit of open files'
  if (/unable to open|locked|busy|disk I\/O/i.test(why))
    return 'see whether its disk is well and no other program holds it; nothing is lost yet'
  return (
    'restore it from a backup, or move it away with its -wal and -shm files. Then everybody has to sign in again; ' +
    'service accounts and people that a directory has pushed (SCIM) have to be made anew'
  )
}

/** SQLite tells of a full disk in several words, by what it was doing. */
function hasNoSpace(file: string): boolean {
  try {
    return statfsSync(dirname(file)).bavail === 0
  } catch {
    return false
  }
}
