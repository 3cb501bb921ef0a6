/**
 * A directory source that is asked again and again. What it last said is in the store, so that a restart
 * makes nobody unknown.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { PulledDirectory } from '../../config/config.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import { type KeptCopyOptions, SourceFailure } from '../../outbound/kept-copy.ts'
import { inTurns } from '../../turns.ts'
import { COPIES, type KeptListing, keepListing, type Writer } from '../kept-listing.ts'
import { Roster } from '../roster.ts'
import { copiedSource, type OpenSource } from '../source.ts'
import type { ApiPorts } from './api.ts'
import { pullAzure } from './azure.ts'
import { pullGithub } from './github.ts'
import { pullGitlab } from './gitlab.ts'
import { pullGoogle } from './google.ts'
import type { Listing } from './listing.ts'
import { pullOkta } from './okta.ts'

export interface PulledSourceOptions {
  readonly settings: PulledDirectory
  readonly http: Pick<HttpClient, 'fetch'>
  readonly records: Writer
  /** What an earlier pull has brought, of before the restart. */
  readonly kept: KeptListing | undefined
  /** Whom it had deactivated under other settings. */
  readonly knownOff?: Roster | undefined
  readonly now: () => number
  readonly logger: KeptCopyOptions<unknown>['logger']
  readonly onChange: () => void
}

export function pulledSource({
  settings,
  http,
  records,
  kept,
  knownOff,
  logger,
  now,
  onChange,
}: PulledSourceOptions): OpenSource {
  const whose = whoseCopy(settings)
  const keep = async (roster: Roster): Promise<void> => {
    try {
      const listing = { people: [...roster.people], groups: [...roster.groups] }
      await keepListing(COPIES, settings.name, { of: whose, asOf: now() }, listing, records)
    } catch {
      // The store tells of its troubles itself; the copy in memory is as good.
    }
  }
  return copiedSource({
    settings,
    now,
    logger,
    onChange,
    intervalMs: settings.poll_interval,
    maxAgeMs: settings.max_age,
    initial: kept?.of === whose ? { value: kept.roster, asOf: kept.asOf } : undefined,
    // Of whatever settings: who was locked out under those of before is not let in by an edit.
    knownOff: knownOff ?? kept?.off,
    keep,
    fetch: async (signal) => {
      const listing = await pull(settings, { http, now, signal })
      if (listing.people.length === 0) throw new SourceFailure(NOBODY)
      return await inTurns(Roster.building(listing.people, listing.groups))
    },
  })
}

function pull(settings: PulledDirectory, ports: ApiPorts): Promise<Listing> {
  switch (settings.type) {
    case 'azure':
      return pullAzure(settings, ports)
    case 'google':
      return pullGoogle(settings, ports)
    case 'okta':
      return pullOkta(settings, ports)
    case 'gitlab':
      return pullGitlab(settings, ports)
    case 'github':
      return pullGithub(settings, ports)
  }
}

/** A copy counts for the same directory only, but a new secret opens the same one. */
function whoseCopy(settings: PulledDirectory): string {
  const what = Object.entries(settings).filter(([key]) => !NOT_ITS_OWN.has(key))
  return createHash('sha256').update(JSON.stringify(what)).digest('base64url')
}

/** Keys that change nothing of what is pulled. */
const NOT_ITS_OWN = new Set(['name', 'provider', 'match_by', 'group_names', 'poll_interval', 'max_age'])

/** A right that is missing makes lists empty; that everybody has left is another thing to say. */
const NOBODY = 'it names nobody: check what its credential may read'
