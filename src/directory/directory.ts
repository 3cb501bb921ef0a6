/**
 * The one meaning of groups: claims and all directory sources together, for each session.
 *
 * @module
 */
import { type Groups, type Member, type Source, type Standing, standingOf } from './effective-groups.ts'
import type { Roster } from './roster.ts'

/** A source that changes. */
export interface LiveSource extends Omit<Source, 'roster' | 'lastHeard'> {
  /** Name of the sign-in provider that it is for; unset: all. */
  readonly provider: string | undefined
  /** What it last said; `undefined` when it never has, or too long ago. */
  readonly roster: Roster | undefined
  /** What it said when it was heard last, however long ago: who had left by then has not come back. */
  readonly lastHeard: Roster | undefined
  /** Epoch milliseconds from which that counts no longer; `undefined`: for ever. */
  readonly goodUntil: number | undefined
  /** Whether nobody has ever told it anything: then no id of a group is its. */
  readonly isUnfilled?: boolean
}

export interface DirectoryRules {
  readonly sources: readonly LiveSource[]
  readonly countsClaims: boolean
}

export interface DirectoryOptions {
  readonly now: () => number
  /** Name of the sign-in provider with that id. */
  readonly providerName: (idpId: string) => string | undefined
  /** Tests bring their own. */
  readonly setTimer?: (call: () => void, ms: number) => Disposable
}

interface Applied<Session> {
  readonly version: number
  readonly standing: Standing
  readonly session: Session
}

/** Between two calls of the listeners: an identity provider may push a thousand changes a second. */
const QUIET_MS = 100

/** Of what is kept as a session; this room asks of it no more than `Member` has. */
export class Directory<Session extends Member> {
  readonly #options: DirectoryOptions
  readonly #setTimer: (call: () => void, ms: number) => Disposable
  #rules: DirectoryRules = { sources: [], countsClaims: true }
  #version = 0
  /** From then on a source that is good now is too old. */
  #turnsAt = Number.POSITIVE_INFINITY
  #checkedAt = Number.NEGATIVE_INFINITY
  readonly #applied = new WeakMap<Session, Applied<Session>>()
  readonly #listeners = new Set<() => void>()
  #pause: Disposable | undefined
  #isWaiting = false

  constructor(options: DirectoryOptions) {
    this.#options = options
    this.#setTimer = options.setTimer ?? startTimer
  }

  setRules(rules: DirectoryRules): void {
    this.#rules = rules
    this.changed()
  }

  /** The session with its effective groups: one and the same object until something changes. */
  apply(session: Session): Session {
    return this.#concerns(session) ? this.#find(session).session : session
  }

  /** Whether a source says that this person has left or is locked out. */
  isDeactivated(session: Session): boolean {
    return this.#concerns(session) && this.#find(session).standing.isDeactivated
  }

  onChange(listener: () => void): Disposable {
    const entry = () => listener()
    this.#listeners.add(entry)
    return { [Symbol.dispose]: () => void this.#listeners.delete(entry) }
  }

  /**
   * Something that a source says has changed: counts at once; what was made of it is told apart, and not too
   * often.
   */
  changed(): void {
    this.#version += 1
    const now = this.#options.now()
    const limits = this.#rules.sources.flatMap(({ goodUntil }) => goodUntil ?? [])
    this.#turnsAt = Math.min(...limits.filter((limit) => limit > now), Number.POSITIVE_INFINITY)
    this.#checkedAt = now
    if (this.#pause !== undefined) {
      this.#isWaiting = true
      return
    }
    this.#tell()
  }

  [Symbol.dispose](): void {
    this.#pause?.[Symbol.dispose]()
    this.#listeners.clear()
  }

  #tell(): void {
    this.#isWaiting = false
    this.#pause = this.#setTimer(() => {
      this.#pause = undefined
      if (this.#isWaiting) this.#tell()
    }, QUIET_MS)
    for (const listener of this.#listeners) listener()
  }

  /** A workload is no person of any directory. */
  #concerns({ kind }: Member): boolean {
    return kind !== 'workload' && (this.#rules.sources.length > 0 || !this.#rules.countsClaims)
  }

  #find(session: Session): Applied<Session> {
    const now = this.#options.now()
    // Past the limit of a source, or a clock that went back: whatever is kept was made under other
    // conditions.
    if (now >= this.#turnsAt || now < this.#checkedAt) this.changed()
    this.#checkedAt = now
    const kept = this.#applied.get(session)
    if (kept?.version === this.#version) return kept
    const standing = this.#standingOf(session)
    const applied: Applied<Session> = {
      version: this.#version,
      standing,
      session:
        kept !== undefined && isSame(kept.session, standing) ? kept.session : withGroups(session, standing),
    }
    this.#applied.set(session, applied)
    return applied
  }

  #standingOf(session: Session): Standing {
    const { sources: all, countsClaims } = this.#rules
    const name = this.#options.providerName(session.idpId)
    const sources = all
      .filter(({ provider }) => provider === undefined || provider === name)
      .map(
        (source): Source => ({
          matchBy: source.matchBy,
          tellsNames: source.tellsNames,
          roster: source.roster ?? 'unknown',
          lastHeard: source.lastHeard,
          stillOff: source.stillOff,
        }),
      )
    const canTell = all.every(({ roster, isUnfilled }) => roster !== undefined || isUnfilled === true)
    const isGroupId = (text: string) =>
      all.some(({ roster }) => roster?.hasGroup(text) === true) || (canTell ? false : 'unknown')
    return standingOf(session, sources, { countsClaims, isGroupId })
  }
}

/** Of a provider that keeps groups elsewhere (OpenID Connect Core §5.6.2): the claim itself stays unread. */
const ELSEWHERE = '_claim_names/groups'

function withGroups<Session extends Member>(session: Session, standing: Groups): Session {
  if (isSame(session, standing)) return session
  const { groups, knownGroups } = standing
  // What `groups` means is known now, but not what the claim holds: `claim/groups` must not read as "no".
  const isClaimUnread = session.groups === 'unknown' && groups !== 'unknown'
  const claims = isClaimUnread ? { [ELSEWHERE]: ['directory'], ...session.claims } : session.claims
  return { ...session, claims, groups, knownGroups }
}

function isSame(one: Groups, other: Groups): boolean {
  const isUnknown = one.groups === 'unknown'
  return isUnknown === (other.groups === 'unknown') && isSameList(listOf(one), listOf(other))
}

const listOf = ({ groups, knownGroups = [] }: Groups) => (groups === 'unknown' ? knownGroups : groups)

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((group, index) => group === other[index])
}

function startTimer(call: () => void, ms: number): Disposable {
  const timer = setTimeout(call, ms).unref()
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}
