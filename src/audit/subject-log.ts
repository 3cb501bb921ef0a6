/**
 * Who somebody was, as policies saw them: a line of its own in the decision log, told once and repeated now
 * and then, to which the lines of decisions refer by the fingerprint `subject`.
 *
 * With it a decision can be explained and repeated from the log alone. Groups and claims are personal data;
 * tokens are never among them.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { BoundedMap } from '../bounded-map.ts'
import type { Session } from '../session/session.ts'
import { jsonString, type Logger, readyLines } from '../telemetry/log.ts'

/** A log that was rotated says again who its sessions are after so long. */
const REPEAT_MS = 600_000
/** Sessions told of; beyond, the one told longest ago is told again when it next comes. */
const MOST_REPORTED = 20_000
/**
 * As many groups as are known to work on every route; more are cut, with a mark, and unknown to whoever reads
 * it.
 */
const MOST_VALUES = 2000
const LONGEST_TEXT = 1024

type Roots = 'all' | ReadonlySet<string>

export interface SubjectLog {
  /** The fingerprint for the decision's line; tells who it is first, where that was not told lately. */
  tell(session: Session, now: number, provider?: string): string
}

interface Note {
  readonly fingerprint: string
  readonly members: string
  /** Shared by all sessions of which the same is to be said. */
  readonly reported: { at: number }
}

/** @param claims names under which policies ask for claims, or `all` */
export function createSubjectLog(logger: Logger, claims: 'all' | readonly string[]): SubjectLog {
  const lines = readyLines(logger, 'info', 'authorize subject')
  const roots = claims === 'all' ? 'all' : new Set(claims.map(rootOf))
  const notes = new WeakMap<Session, Note>()
  const reported = new BoundedMap<string, Note['reported']>(MOST_REPORTED)

  return {
    tell(session, now, provider) {
      let note = notes.get(session)
      if (note === undefined) notes.set(session, (note = noteOf(session, provider)))
      // Backwards too: a clock that was put right must not silence it.
      if (Math.abs(now - note.reported.at) >= REPEAT_MS) {
        note.reported.at = now
        const { id, version } = session
        const which = `,"subject":"${note.fingerprint}","session-id":${jsonString(id)},"session-version":${version}`
        lines.write(`,"service":"authorize"${which}${note.members}`)
      }
      return note.fingerprint
    },
  }

  function noteOf(session: Session, provider: string | undefined): Note {
    const members = membersOf(session, roots, provider)
    const fingerprint = createHash('sha256').update(members).digest('hex').slice(0, 16)
    let when = reported.get(fingerprint)
    if (when === undefined) reported.set(fingerprint, (when = { at: Number.NEGATIVE_INFINITY }))
    return { fingerprint, members, reported: when }
  }
}

/**
 * `address` of `address/city` and of `address.city`: what one policy asks for, the next may ask for more of.
 */
const rootOf = (claim: string): string => claim.split(/[/.]/, 1)[0] ?? ''

/** JSON members, each with a comma before it. */
function membersOf(session: Session, roots: Roots, idp: string | undefined): string {
  const { kind = 'user', userId, email, name, groups } = session
  const texts = Object.entries({ kind, user: userId, idp, email, name })
  const said = texts.map(([key, text]) => member(key, text?.slice(0, LONGEST_TEXT)))
  const isCut = groups !== 'unknown' && groups.length > MOST_VALUES
  const { claims, cut } = claimsOf(session, roots)
  return (
    said.join('') +
    member('groups', isCut ? groups.slice(0, MOST_VALUES) : groups) +
    member('groups-cut', isCut ? groups.length : undefined) +
    member('claims', claims) +
    member('claims-known', roots === 'all' ? 'all' : [...roots]) +
    member('claims-cut', cut.length === 0 ? undefined : cut)
  )
}

const member = (key: string, value: unknown): string =>
  value === undefined ? '' : `,"${key}":${JSON.stringify(value)}`

/** Without a name it is of every claim. */
const isOfRoots = (path: string, roots: ReadonlySet<string>): boolean =>
  path === '' || roots.has(rootOf(path))

/** The claims that are told, and the roots below which something was too long for it. */
function claimsOf({ claims }: Session, roots: Roots) {
  const cut = new Set<string>()
  const kept = Object.entries(claims).filter(([path, values]) => {
    const root = rootOf(path)
    const isElsewhere =
      root === '_claim_names' && roots !== 'all' && isOfRoots(path.slice(root.length + 1), roots)
    if (roots !== 'all' && !roots.has(root) && !isElsewhere) return false
    const isWhole = values.length <= MOST_VALUES && values.every((value) => value.length <= LONGEST_TEXT)
    if (!isWhole) cut.add(root)
    return isWhole
  })
  return { claims: Object.fromEntries(kept), cut: [...cut] }
}
