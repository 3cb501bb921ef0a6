/**
 * A driver in memory, for tests: several that are opened on one `MemoryPlace` share it as processes share a
 * file.
 *
 * It can answer later, as a driver over a network does.
 *
 * @module
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type {
  ActivityRow,
  ActivityRows,
  Changes,
  ClockNote,
  Driver,
  DueRow,
  RecordRow,
  RecordRows,
  RowPage,
  SessionRow,
  SessionRows,
  StoreNotes,
} from '../driver.ts'
import type { MaybePromise } from '../store.ts'

interface Deleted {
  readonly expiresAt: number
  readonly version: number
}

type Kept = Omit<RecordRow, 'value'> & { readonly value: string | undefined }

export class MemoryPlace {
  readonly sessions = new Map<string, SessionRow>()
  readonly deleted = new Map<string, Deleted>()
  readonly activity = new Map<string, ActivityRow>()
  readonly records = new Map<string, Kept>()
  readonly claims = new Map<string, number>()
  version = 0
  clock: ClockNote = { seenAt: 0, setBack: 0 }
  seal = ''
  /** Of any driver. */
  writes = 0
}

/** @param isLate whether each answer takes a turn of the event loop */
export function openMemoryDriver(place: MemoryPlace, isLate = false): Driver {
  let ownWrites = 0
  const answer = <T>(act: () => T): MaybePromise<T> => (isLate ? nextTurn().then(act) : act())
  const written = <T>(act: () => T): MaybePromise<T> =>
    answer(() => {
      place.writes++
      ownWrites++
      return act()
    })
  return {
    sessions: sessionsIn(place, answer, written),
    activity: activityIn(place, answer, written),
    records: recordsIn(place, answer, written),
    notes: notesIn(place, answer, written),
    claimOnce: (key, now, until) =>
      written(() => isClaimed(place, Buffer.from(key).toString('hex'), now, until)),
    version: () => answer(() => place.version),
    pulse: () => answer(() => place.writes - ownWrites),
    changesSince: (version, limit) => answer(() => changesIn(place, version, limit)),
    sweepRest: (now, recordsBefore, limit) => written(() => sweepRest(place, now, recordsBefore, limit)),
    probe: () => undefined,
    problem: undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

type Answering = <T>(act: () => T) => MaybePromise<T>

function sessionsIn(place: MemoryPlace, answer: Answering, written: Answering): SessionRows {
  const { sessions, deleted, activity } = place
  const live = (now: number) => [...sessions.values()].filter(({ expiresAt }) => expiresAt > now)
  const bury = (id: string) => {
    const row = sessions.get(id)
    if (row === undefined) return []
    const version = ++place.version
    sessions.delete(id)
    activity.delete(id)
    deleted.set(id, { expiresAt: row.expiresAt, version })
    return [{ id, version }]
  }
  return {
    find: (id) => answer(() => sessions.get(id)),
    save: (row, ifVersion) =>
      written(() => {
        if (deleted.has(row.id)) return undefined
        if (ifVersion !== undefined && sessions.get(row.id)?.version !== ifVersion) return undefined
        const version = ++place.version
        sessions.set(row.id, { ...row, version })
        return version
      }),
    delete: (ids) => written(() => ids.flatMap(bury)),
    list: (now, userId) =>
      answer(() =>
        live(now)
          .filter((row) => userId === undefined || row.userId === userId)
          .toSorted((a, b) => a.issuedAt - b.issuedAt),
      ),
    count: (now) => answer(() => live(now).length),
    dueForRefresh: (page) => answer(() => dueIn(live(page.now), ({ refreshAt }) => refreshAt, page)),
    withOldClaims: (page) =>
      answer(() =>
        dueIn(
          live(page.now).filter(({ askableUntil }) => askableUntil > page.now),
          ({ claimsAt }) => claimsAt,
          page,
        ),
      ),
    sweep: (now, limit) =>
      written(() => {
        const ended = [...sessions.values()].filter(({ expiresAt }) => expiresAt <= now)
        const ids = ended
          .toSorted((a, b) => a.expiresAt - b.expiresAt)
          .slice(0, limit)
          .map(({ id }) => id)
        for (const id of ids) {
          sessions.delete(id)
          activity.delete(id)
        }
        return ids
      }),
    endAhead: (begunAfter, now) =>
      written(() => {
        const ids = [...sessions.values()].filter(({ issuedAt }) => issuedAt > begunAfter).map(({ id }) => id)
        for (const id of ids) bury(id)
        for (const row of activity.values())
          if (row.seenAt > now) activity.set(row.id, { ...row, seenAt: now })
        for (const row of sessions.values())
          if (row.claimsAt > now) sessions.set(row.id, { ...row, claimsAt: now })
        return ids
      }),
  }
}

function dueIn(
  rows: readonly SessionRow[],
  timeOf: (row: SessionRow) => number | undefined,
  { after, afterId, before, limit }: RowPage,
): readonly DueRow[] {
  return rows
    .flatMap((row) => {
      const at = timeOf(row)
      return at === undefined ? [] : [{ id: row.id, idpId: row.idpId, version: row.version, at }]
    })
    .filter(({ id, at }) => (at > after || (at === after && id > afterId)) && at <= before)
    .toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
    .slice(0, limit)
}

function activityIn(place: MemoryPlace, answer: Answering, written: Answering): ActivityRows {
  const { sessions, activity } = place
  return {
    find: (id) => answer(() => activity.get(id)),
    note: (rows) =>
      written(() => {
        for (const row of rows) {
          const known = activity.get(row.id)
          if (!sessions.has(row.id) || (known !== undefined && known.issuedAt > row.issuedAt)) continue
          const isSame = known?.issuedAt === row.issuedAt
          activity.set(row.id, {
            ...row,
            seenAt: isSame ? Math.max(known.seenAt, row.seenAt) : row.seenAt,
            idleTime: isSame ? Math.max(known.idleTime, row.idleTime) : row.idleTime,
          })
        }
      }),
    page: (afterId, limit) =>
      answer(() =>
        [...sessions.values()]
          .filter(({ id }) => id > afterId)
          .toSorted((a, b) => (a.id < b.id ? -1 : 1))
          .slice(0, limit)
          .map(({ id, issuedAt }) => {
            const known = activity.get(id)
            return { id, usedAt: known?.issuedAt === issuedAt ? known.seenAt : issuedAt }
          }),
      ),
  }
}

function keyOf(collection: string, id: string): string {
  return JSON.stringify([collection, id])
}

function found(row: Kept | undefined): readonly RecordRow[] {
  return row?.value === undefined ? [] : [{ ...row, value: row.value }]
}

function recordsIn(place: MemoryPlace, answer: Answering, written: Answering): RecordRows {
  const { records } = place
  const listed = (collection: string) =>
    [...records.values()]
      .filter((row) => row.collection === collection)
      .flatMap(found)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return {
    find: (collection, id) => answer(() => found(records.get(keyOf(collection, id)))[0]),
    list: (collection) => answer(() => listed(collection)),
    page: (collection, after, before, limit) =>
      answer(() =>
        listed(collection)
          .filter(({ id }) => id > after && id < before)
          .slice(0, limit),
      ),
    put: (row) =>
      written(() => {
        const version = ++place.version
        records.set(keyOf(row.collection, row.id), { ...row, version })
        return version
      }),
    delete: (collection, id, changedAt) =>
      written(() => {
        if (found(records.get(keyOf(collection, id))).length === 0) return undefined
        const version = ++place.version
        records.set(keyOf(collection, id), { collection, id, value: undefined, version, changedAt })
        return version
      }),
  }
}

function notesIn(place: MemoryPlace, answer: Answering, written: Answering): StoreNotes {
  return {
    clock: () => answer(() => place.clock),
    noteClock: (from, to) =>
      written(() => {
        if (place.clock.seenAt !== from.seenAt || place.clock.setBack !== from.setBack) return false
        place.clock = { seenAt: to.seenAt, setBack: to.setBack }
        return true
      }),
    seal: () => answer(() => place.seal),
    dropSessions: (from, seal) =>
      written(() => {
        if (place.seal !== from) return false
        place.seal = seal
        place.sessions.clear()
        place.activity.clear()
        return true
      }),
  }
}

function isClaimed({ claims }: MemoryPlace, key: string, now: number, until: number): boolean {
  if ((claims.get(key) ?? -Infinity) > now) return false
  claims.set(key, until)
  return true
}

function changesIn(place: MemoryPlace, since: number, limit: number): Changes {
  const isNew = ({ version }: { readonly version: number }) => version > since
  const ids = [...place.sessions, ...place.deleted].filter(([, row]) => isNew(row)).map(([id]) => id)
  return {
    sessions: ids.length > limit ? undefined : ids,
    records: [...place.records.values()].filter(isNew).map(({ collection, id }) => ({ collection, id })),
    version: place.version,
  }
}

function sweepRest(place: MemoryPlace, now: number, recordsBefore: number, limit: number): boolean {
  const swept = [
    dropSome(place.claims, (until) => until <= now, limit),
    dropSome(place.deleted, ({ expiresAt }) => expiresAt <= now, limit),
    dropSome(
      place.records,
      ({ value, changedAt }) => value === undefined && changedAt < recordsBefore,
      limit,
    ),
  ]
  return swept.includes(limit)
}

function dropSome<T>(map: Map<string, T>, isOver: (value: T) => boolean, limit: number): number {
  const keys = [...map]
    .filter(([, value]) => isOver(value))
    .slice(0, limit)
    .map(([key]) => key)
  for (const key of keys) map.delete(key)
  return keys.length
}
