/**
 * Every SQL statement of the store, prepared once.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'

export function prepareStatements(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql)
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
    due: prepare(
      'SELECT * FROM session WHERE refresh_at <= ? AND expires_at > ? ORDER BY refresh_at LIMIT ?',
    ),
    oldClaims: prepare(`SELECT * FROM session WHERE claims_at <= ? AND askable_until > ? AND expires_at > ?
      ORDER BY claims_at LIMIT ?`),
    claim: prepare(`INSERT INTO claimed VALUES (?, ?)
      ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE claimed.expires_at <= ?`),
    neverRefresh: prepare('UPDATE session SET refresh_at = NULL WHERE id = ?'),
    sweepSessions: prepare('DELETE FROM session WHERE expires_at <= ? RETURNING id'),
    sweepClaimed: prepare('DELETE FROM claimed WHERE expires_at <= ?'),
    sweepDeleted: prepare('DELETE FROM deleted WHERE expires_at <= ?'),
    count: prepare('SELECT count(*) AS count FROM session WHERE expires_at > ?'),
    nextVersion: prepare('UPDATE store SET version = version + 1 RETURNING version'),
    changedSince: prepare('SELECT id, version FROM session WHERE version > ?'),
    deletedSince: prepare('SELECT id, version FROM deleted WHERE version > ?'),
    dataVersion: prepare('PRAGMA data_version'),
    seenAt: prepare('SELECT seen_at FROM store'),
    noteSeen: prepare('UPDATE store SET seen_at = ?'),
    shiftSessions: prepare(`UPDATE session SET issued_at = issued_at - :jump, expires_at = expires_at - :jump,
      refresh_at = refresh_at - :jump, claims_at = claims_at - :jump, askable_until = askable_until - :jump,
      version = :version,
      profile = CASE WHEN profile ->> '$.authenticatedAt' IS NULL THEN profile
        ELSE json_set(profile, '$.authenticatedAt', (profile ->> '$.authenticatedAt') - :jump) END`),
    shiftClaimed: prepare('UPDATE claimed SET expires_at = expires_at - ?'),
    shiftDeleted: prepare('UPDATE deleted SET expires_at = expires_at - ?'),
  }
}
