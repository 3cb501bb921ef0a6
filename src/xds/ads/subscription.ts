/**
 * Where one Envoy stands on one resource type of a delta ADS stream: what it asked for, what it holds, what
 * it was sent and has not answered, what it refused.
 *
 * Pure. Rules from "xDS REST and gRPC protocol", sections "Incremental xDS" and "ACK/NACK and resource type
 * instance version".
 *
 * @module
 */

/** Name → version that was sent, or `null` for a name that was said not to exist (any more). */
export type Changes = ReadonlyMap<string, string | null>

export interface Refusal {
  readonly version: string | null
  /** Envoy's own words. */
  readonly message: string
}

export interface Subscription {
  /** Envoy wants every resource of the type. */
  readonly isWildcard: boolean
  /** Names that were asked for one by one. */
  readonly names: ReadonlySet<string>
  /** Envoy starts up with this type only after an answer, even if there is nothing to tell. */
  readonly isAwaited: boolean
  /** Name → version that Envoy has accepted, in this stream or before it. */
  readonly held: ReadonlyMap<string, string>
  /** Names asked for that Envoy knows not to exist. */
  readonly absent: ReadonlySet<string>
  /** The one response that waits for its answer; there is never a second. */
  readonly unanswered: { readonly nonce: string; readonly changes: Changes } | undefined
  /** Versions known to be bad: each was refused in a response of its own. Never sent again. */
  readonly refused: ReadonlyMap<string, Refusal>
  /** Parts of a refused response, still to be tried apart to find which resource is the bad one. */
  readonly retries: readonly Changes[]
}

export interface DeltaRequest {
  readonly typeUrl: string
  readonly subscribe: readonly string[]
  readonly unsubscribe: readonly string[]
  /** What Envoy still holds from an earlier stream; only in the first request of a type. */
  readonly initialVersions: Readonly<Record<string, string>>
  /** Empty when the request only changes subscriptions. */
  readonly responseNonce: string
  /** Envoy's words when it refuses what the nonce names. */
  readonly errorDetail: string | undefined
}

export type Meaning = 'first' | 'subscribe' | 'stale' | 'ack' | 'nack'

/**
 * What a DeltaDiscoveryRequest says about what we sent before it.
 *
 * Whatever the meaning, its subscription changes count: in delta they are increments, also in a `stale`
 * request.
 */
export function meaningOf(request: DeltaRequest, subscription: Subscription | undefined): Meaning {
  if (subscription === undefined) return 'first'
  if (request.responseNonce === '') return 'subscribe'
  if (request.responseNonce !== subscription.unanswered?.nonce) return 'stale'
  return request.errorDetail === undefined ? 'ack' : 'nack'
}

const NOTHING: Subscription = {
  isWildcard: false,
  names: new Set(),
  isAwaited: false,
  held: new Map(),
  absent: new Set(),
  unanswered: undefined,
  refused: new Map(),
  retries: [],
}

/** The subscription after a request that means `meaning`. */
export function afterRequest(
  before: Subscription | undefined,
  request: DeltaRequest,
  meaning: Meaning,
): Subscription {
  const answered = answer(before ?? NOTHING, request, meaning)
  const isFirst = meaning === 'first'
  const subscribed = resubscribe(answered, request, isFirst)
  if (!isFirst) return subscribed
  const held = new Map(Object.entries(request.initialVersions))
  return { ...subscribed, held, isAwaited: subscribed.isWildcard && held.size === 0 }
}

/** As if Envoy had never been sent these, an answer that is still under way included. */
export function withoutKnowledgeOf(subscription: Subscription, names: Iterable<string>): Subscription {
  const held = new Map(subscription.held)
  const changes = new Map(subscription.unanswered?.changes)
  for (const name of names) {
    held.delete(name)
    changes.delete(name)
  }
  const { unanswered } = subscription
  return {
    ...subscription,
    held,
    unanswered: unanswered === undefined ? undefined : { ...unanswered, changes },
  }
}

function answer(subscription: Subscription, request: DeltaRequest, meaning: Meaning): Subscription {
  const changes = subscription.unanswered?.changes
  if (changes === undefined) return subscription
  switch (meaning) {
    case 'ack':
      return accept(subscription, changes)
    case 'nack':
      return refuse(subscription, changes, request.errorDetail ?? '')
    case 'first':
    case 'subscribe':
    case 'stale':
      return subscription
  }
}

function accept(subscription: Subscription, changes: Changes): Subscription {
  const held = new Map(subscription.held)
  const absent = new Set(subscription.absent)
  const refused = new Map(subscription.refused)
  for (const [name, version] of changes) {
    refused.delete(name)
    if (version === null) {
      held.delete(name)
      if (subscription.names.has(name)) absent.add(name)
    } else if (subscription.isWildcard || subscription.names.has(name)) {
      held.set(name, version)
      absent.delete(name)
    }
  }
  return { ...subscription, held, absent, refused, unanswered: undefined }
}

/**
 * Envoy refuses a response whole (virtual hosts) or in part (clusters) and doesn't reliably say which
 * resource it was. One bad virtual host of thousands must not hold up the others, so the response is tried
 * again in halves until the bad resource stands alone.
 */
function refuse(subscription: Subscription, changes: Changes, message: string): Subscription {
  const entries = [...changes]
  if (entries.length > 1) {
    const middle = entries.length >> 1
    const halves = [new Map(entries.slice(0, middle)), new Map(entries.slice(middle))]
    return { ...subscription, unanswered: undefined, retries: [...halves, ...subscription.retries] }
  }
  const refused = new Map(subscription.refused)
  for (const [name, version] of entries) refused.set(name, { version, message })
  return { ...subscription, unanswered: undefined, refused }
}

function resubscribe(subscription: Subscription, request: DeltaRequest, isFirst: boolean): Subscription {
  const { subscribe, unsubscribe } = request
  // "Legacy wildcard": no names in the first request of the stream mean all of them.
  const isWildcard =
    (subscription.isWildcard || subscribe.includes('*') || (isFirst && subscribe.length === 0)) &&
    !unsubscribe.includes('*')
  if (subscribe.length === 0 && unsubscribe.length === 0) return { ...subscription, isWildcard }
  const names = new Set(subscription.names)
  const held = new Map(subscription.held)
  const absent = new Set(subscription.absent)
  for (const name of unsubscribe) {
    names.delete(name)
    absent.delete(name)
    if (!isWildcard) held.delete(name)
  }
  for (const name of subscribe) {
    if (name === '*') continue
    names.add(name)
    // Asking again for what one holds means that it was dropped meanwhile: it has to be sent again.
    held.delete(name)
    absent.delete(name)
  }
  return { ...subscription, isWildcard, names, held, absent }
}
