/**
 * What all kinds of directory sources have in common: how they are asked, and how they say that they are
 * well.
 *
 * @module
 */
import type { DirectorySource } from '../config/config.ts'
import { type KeptCopy, type KeptCopyOptions, keepCopy } from '../outbound/kept-copy.ts'
import { inTurns } from '../turns.ts'
import type { LiveSource } from './directory.ts'
import { rememberingFrom } from './former-keys.ts'
import type { Roster } from './roster.ts'

export interface SourceStatus {
  readonly name: string
  readonly type: string
  /** `stale`: it can't be read now, and what it last said counts. `unknown`: groups are unknown. */
  readonly state: 'good' | 'stale' | 'unknown'
  readonly users: number
  readonly groups: number
  /** Of the last good copy; unset when there is none. */
  readonly ageSeconds?: number
  readonly problem?: { readonly at: number; readonly message: string }
}

export interface OpenSource extends LiveSource, AsyncDisposable {
  readonly name: string
  readonly status: SourceStatus
  /** How often it could not be read. */
  readonly failures: number
  /** Resolves when it knows what can be known without waiting for others. */
  readonly ready: Promise<void>
}

interface CopiedSource extends Omit<KeptCopyOptions<Roster>, 'name'> {
  readonly settings: DirectorySource
  /** Whom the source had deactivated when it was heard last, before this one was opened. */
  readonly knownOff?: Roster | undefined
  /** What sources of other types had said under its name before that. */
  readonly stillOff?: readonly Roster[]
  /** Puts what was fetched, and is remembered with it, into the store. */
  readonly keep?: (roster: Roster) => Promise<void>
  /** What is to be told of each change, and closed in the end. */
  readonly follow?: (copy: KeptCopy<Roster>) => Disposable & { readonly ready: Promise<void> }
}

/** A source that is fetched again and again; the last good copy stays. */
export function copiedSource({
  settings,
  follow,
  fetch,
  keep,
  knownOff,
  stillOff = [],
  ...options
}: CopiedSource): OpenSource {
  const { name, type, provider, match_by: matchBy, group_names: tellsNames } = settings
  const { maxAgeMs, now } = options
  let failures = 0
  let heard = options.initial?.value ?? knownOff
  const copy = keepCopy<Roster>({
    ...options,
    name: `directory "${name}"`,
    fetch: async (signal) => {
      try {
        const roster = await fetch(signal)
        if (heard !== undefined) await inTurns(rememberingFrom(heard, roster, now()))
        heard = roster
        await keep?.(roster)
        return roster
      } catch (error) {
        failures += 1
        throw error
      }
    },
  })
  const following = follow?.(copy)
  return {
    name,
    provider,
    matchBy,
    tellsNames,
    ready: following?.ready ?? Promise.resolve(),
    get roster() {
      return copy.current
    },
    get lastHeard() {
      return copy.last ?? knownOff
    },
    get stillOff() {
      // A list that was read is whole: who is not in it is nobody's.
      return copy.last === undefined ? stillOff : []
    },
    get goodUntil() {
      const { asOf } = copy.status
      // The copy counts up to that very millisecond.
      return maxAgeMs === undefined || asOf === undefined ? undefined : asOf + maxAgeMs + 1
    },
    get failures() {
      return failures
    },
    get status(): SourceStatus {
      const { state, asOf, lastFailure } = copy.status
      const roster = copy.current
      const isFailing = state === 'failing'
      return {
        name,
        type,
        state: roster === undefined ? 'unknown' : isFailing ? 'stale' : 'good',
        users: roster?.peopleCount ?? 0,
        groups: roster?.groupCount ?? 0,
        ...(asOf !== undefined && { ageSeconds: Math.round(Math.abs(now() - asOf) / 1000) }),
        ...(isFailing && lastFailure !== undefined && { problem: lastFailure }),
      }
    },
    async [Symbol.asyncDispose]() {
      following?.[Symbol.dispose]()
      await copy[Symbol.asyncDispose]()
    },
  }
}
