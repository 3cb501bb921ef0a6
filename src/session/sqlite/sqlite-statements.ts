/**
 * Every SQL statement of the store, prepared once.
 *
 * @module
 */
import type { SqliteConnection, Statement } from './sqlite-connection.ts'

/** All times in them are kept times (store-clock.ts). */
export function prepareStatements(connection: SqliteConnection) {
  const prepare = (sql: string): Statement => connection.prepare(sql)
  return {
    find: prepare('SELECT * FROM session WHERE id = ?'),
    upsert: prepare(`REPLACE INTO session VALUES
      (:id, :idp_id, :user_id, :profile, :tokens, :issued_at, :expires_at, :refresh_at, :version, :claims_at,
       :askable_until)`),
    delete: prepare('DELETE FROM session WHERE id = ? RETURNING expires_at'),
    bury: prepare('REPLACE INTO deleted VALUES (?, ?, ?)'),
    findDeleted: prepare('SELECT 1 FROM deleted WHERE id = ?'),
    listAll: prepare('SELECT * FROM session WHERE expires_at > ? ORDER BY issued_at'),
    listOfUser: prepare('SELECT * FROM session WHERE user_id = ? AND expires_at > ? ORDER BY issued_at'),
    due: prepare(`SELECT id, idp_id, version, refresh_at AS at FROM session
      WHERE (refresh_at, id) > (?, ?) AND refresh_at <= ? AND expires_at > ? ORDER BY refresh_at, id LIMIT ?`),
    oldClaims: prepare(`SELECT id, idp_id, version, claims_at AS at FROM session
      WHERE (claims_at, id) > (?, ?) AND claims_at <= ? AND askable_until > ? AND expires_at > ?
      ORDER BY claims_at, id LIMIT ?`),
    claim: prepare(`INSERT INTO claimed VALUES (?, ?)
      ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE claimed.expires_at <= ?`),
    neverRefresh: prepare('UPDATE session SET refresh_at = NULL, askable_until = 0 WHERE id = ?'),
    sweepSessions: prepare(`DELETE FROM session
      WHERE id IN (SELECT id FROM session WHERE expires_at <= ? ORDER BY expires_at LIMIT ?) RETURNING id`),
    sweepClaimed: prepare(`DELETE FROM claimed
      WHERE key IN (SELECT key FROM claimed WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`),
    sweepDeleted: prepare(`DELETE FROM deleted
      WHERE id IN (SELECT id FROM deleted WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`),
    count: prepare('SELECT count(*) AS count FROM session WHERE expires_at > ?'),
    nextVersion: prepare('UPDATE store SET version = version + 1 RETURNING version'),
    changedSince: prepare('SELECT id, version FROM session WHERE version > ? ORDER BY version LIMIT ?'),
    deletedSince: prepare('SELECT id, version FROM deleted WHERE version > ? ORDER BY version LIMIT ?'),
    begunAfter: prepare('SELECT id FROM session WHERE issued_at > ?'),
    notUsedAfter: prepare('UPDATE activity SET seen_at = ?1 WHERE seen_at > ?1'),
    notSaidAfter: prepare('UPDATE session SET claims_at = ?1 WHERE claims_at > ?1'),
    dataVersion: prepare('PRAGMA data_version'),
    clock: prepare('SELECT seen_at, set_back FROM store'),
    noteClock: prepare('UPDATE store SET seen_at = ?, set_back = ?'),
    canary: prepare('SELECT canary FROM store'),
    noteCanary: prepare('UPDATE store SET canary = ?'),
    version: prepare('SELECT version FROM store'),
  }
}
