/**
 * Which resources that are no longer in the snapshot may be taken from Envoy.
 *
 * A request chooses its cluster before it is checked, and the check may take its time; so what vanished stays
 * for a grace period in which it must not have come back. Pure: the stream counts the time and says when a
 * period is over.
 *
 * @module
 */

import { resourcesOf, type Snapshot, TYPE_URL, type TypeUrl } from './resource.ts'
import type { Subscription } from './subscription.ts'

/** Types whose resources others may still point to when they vanish. */
export const REMOVED_LAST: ReadonlySet<TypeUrl> = new Set([
  TYPE_URL.cluster,
  TYPE_URL.endpoints,
  TYPE_URL.routes,
  TYPE_URL.secret,
])

type Names = ReadonlyMap<TypeUrl, ReadonlySet<string>>

export interface Vanished {
  /** Gone when the last period ended, and not seen since. */
  readonly waiting: Names
  /** Gone for a whole period at least. */
  readonly unused: Names
}

export const NOTHING_VANISHED: Vanished = { waiting: new Map(), unused: new Map() }

const stillAbsent = (names: Names, snapshot: Snapshot): Names =>
  new Map(
    [...names].map(([typeUrl, ofType]) => {
      const resources = resourcesOf(snapshot, typeUrl)
      return [typeUrl, new Set([...ofType].filter((name) => !resources.has(name)))]
    }),
  )

/** What came back is in use again. */
export const afterSnapshot = ({ waiting, unused }: Vanished, snapshot: Snapshot): Vanished => ({
  waiting: stillAbsent(waiting, snapshot),
  unused: stillAbsent(unused, snapshot),
})

export function afterPeriod(
  { waiting }: Vanished,
  snapshot: Snapshot,
  subscriptions: ReadonlyMap<TypeUrl, Subscription>,
): Vanished {
  const held = new Map(
    [...subscriptions].flatMap(([typeUrl, subscription]) =>
      REMOVED_LAST.has(typeUrl) ? [[typeUrl, new Set(subscription.held.keys())] as const] : [],
    ),
  )
  return { waiting: stillAbsent(held, snapshot), unused: waiting }
}

export const isUnused = ({ unused }: Vanished, typeUrl: TypeUrl, name: string): boolean =>
  unused.get(typeUrl)?.has(name) ?? false

/** Whether another period is needed. */
export const isWaiting = ({ waiting }: Vanished): boolean =>
  [...waiting.values()].some((names) => names.size > 0)
