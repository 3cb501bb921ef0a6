/**
 * A directory source that an identity provider pushes, opened from what it pushed before.
 *
 * @module
 */

import type { ScimDirectory } from '../config/config.ts'
import { reasonOf } from '../errors.ts'
import { RateLimiter } from '../rate-limiter.ts'
import type { RecordStore } from '../session/records.ts'
import type { Roster } from './roster.ts'
import { type AdmittedSource, hashToken, SOURCE_ALLOWANCE } from './scim/admission.ts'

import { ScimSource } from './scim/scim-source.ts'
import type { OpenSource, SourceStatus } from './source.ts'

export interface PushedSourceOptions {
  readonly settings: ScimDirectory
  readonly records: RecordStore
  readonly now: () => number
  readonly logger: { warn(fields: object, message: string): void }
  readonly onChange: () => void
  /** What was pushed to it under other settings, until what is kept has been read. */
  readonly knownOff?: Roster | undefined
  /** What sources of another type have said under its name: it counts for people who are not pushed. */
  readonly stillOff?: readonly Roster[]
}

export interface PushedSource extends OpenSource {
  /** What may be pushed to; `undefined` while what was pushed before can't be read. */
  readonly admitted: AdmittedSource | undefined
}

const RETRY_MS = 2000

const UNFILLED =
  'nothing was ever pushed: groups are unknown, but for those that the token or another source tells'

/**
 * Nothing is known of anybody before the first push: that nobody is there is for the identity provider to
 * say.
 */
export function pushedSource({
  settings,
  records,
  now,
  logger,
  onChange,
  knownOff,
  stillOff = [],
}: PushedSourceOptions): PushedSource {
  const { name, type, provider, match_by: matchBy, group_names: tellsNames, token } = settings
  const rate = new RateLimiter(SOURCE_ALLOWANCE)
  const tokenHash = hashToken(token.reveal())
  let source: ScimSource | undefined
  let problem: SourceStatus['problem']
  let failures = 0
  let retry: NodeJS.Timeout | undefined
  let isClosed = false
  const openedAt = now()

  const fail = (error: unknown) => {
    failures += 1
    problem = { at: now(), message: reasonOf(error) }
    logger.warn({ source: `directory "${name}"`, err: problem.message }, 'what was pushed can not be read')
    clearTimeout(retry)
    if (!isClosed) retry = setTimeout(() => void open(), RETRY_MS).unref()
  }
  // Also after a change that could not be read: what is known is then read anew as a whole.
  const open = async (): Promise<void> => {
    try {
      const opened = await ScimSource.open({ name, records, now, onChange, onFailure: fail })
      source?.[Symbol.dispose]()
      if (isClosed) opened[Symbol.dispose]()
      else source = opened
      problem = undefined
      if (!isClosed && opened.changedAt === undefined)
        logger.warn({ source: `directory "${name}"` }, UNFILLED)
      onChange()
    } catch (error) {
      fail(error)
    }
  }
  const roster = () => (source?.changedAt === undefined ? undefined : source.roster)

  return {
    name,
    provider,
    matchBy,
    tellsNames,
    get lastHeard() {
      // Before the first push it has said nothing of anybody.
      return roster() ?? knownOff
    },
    // People are pushed one by one: whom nobody has pushed yet nobody has taken back either.
    stillOff,
    goodUntil: undefined,
    get isUnfilled() {
      return source !== undefined && source.changedAt === undefined
    },
    ready: open(),
    get roster() {
      return roster()
    },
    get failures() {
      return failures
    },
    get admitted() {
      return source && { tokenHash, source, rate }
    },
    get status(): SourceStatus {
      const changedAt = source?.changedAt
      const unfilled =
        source !== undefined && changedAt === undefined ? { at: openedAt, message: UNFILLED } : undefined
      const trouble = problem ?? unfilled
      return {
        name,
        type,
        state: roster() === undefined ? 'unknown' : problem === undefined ? 'good' : 'stale',
        users: roster()?.peopleCount ?? 0,
        groups: roster()?.groupCount ?? 0,
        ...(changedAt !== undefined && { ageSeconds: Math.round(Math.abs(now() - changedAt) / 1000) }),
        ...(trouble !== undefined && { problem: trouble }),
      }
    },
    [Symbol.asyncDispose]() {
      isClosed = true
      clearTimeout(retry)
      source?.[Symbol.dispose]()
      return Promise.resolve()
    },
  }
}
