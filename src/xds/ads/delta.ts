/**
 * The delta ADS protocol towards one Envoy, as a pure step: (state, event) → (state, responses).
 *
 * Each event (a request, a new snapshot) is followed by a reconciliation: whatever Envoy lacks of the current
 * snapshot is sent, make before break. Listeners and routes are sent when clusters and endpoints have been
 * accepted, and what others may still point to is taken away when all the rest has been. Envoy accepts a
 * changed cluster only when it is warm (endpoints there, names looked up, first health check done), so a
 * route never leads to a cluster that can't serve yet, and the one it replaces serves until then.
 *
 * @module
 */

import { isTypeUrl, type Resource, resourcesOf, type Snapshot, TYPE_URL, type TypeUrl } from './resource.ts'
import {
  afterRequest,
  type Changes,
  type DeltaRequest,
  type Meaning,
  meaningOf,
  type Subscription,
  withoutKnowledgeOf,
} from './subscription.ts'
import {
  afterPeriod,
  afterSnapshot,
  isUnused,
  NOTHING_VANISHED,
  REMOVED_LAST,
  type Vanished,
} from './vanished.ts'

/** In the order in which they are sent. @see "Eventual consistency considerations" in Envoy's xDS protocol */
const ORDER = [
  TYPE_URL.cluster,
  TYPE_URL.endpoints,
  TYPE_URL.listener,
  TYPE_URL.routes,
  TYPE_URL.virtualHost,
  TYPE_URL.secret,
] as const

/**
 * These wait for nothing: Envoy holds back its ACK of a cluster until it has the endpoints and secrets of
 * that cluster, and a certificate is rotated at once.
 */
const UNORDERED: ReadonlySet<TypeUrl> = new Set([TYPE_URL.cluster, TYPE_URL.endpoints, TYPE_URL.secret])

/** What the others wait for. */
const FIRST = [TYPE_URL.cluster, TYPE_URL.endpoints] as const

export interface StreamState {
  readonly snapshot: Snapshot
  readonly subscriptions: ReadonlyMap<TypeUrl, Subscription>
  readonly vanished: Vanished
  /** Counts responses; the nonce of the last one. */
  readonly sent: number
}

export interface DeltaResponse {
  readonly typeUrl: TypeUrl
  readonly nonce: string
  readonly generation: number
  readonly resources: readonly Resource[]
  /** Envoy holds them and shall give them up. */
  readonly removed: readonly string[]
  /** Envoy asked for them and they don't exist. */
  readonly absent: readonly string[]
}

export type DeltaEvent =
  | { readonly kind: 'request'; readonly request: DeltaRequest }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  /** Time has passed in which every request has been decided that was routed before. */
  | { readonly kind: 'period' }

export interface Step {
  readonly state: StreamState
  readonly responses: readonly DeltaResponse[]
  /** What a request meant; absent for other events and for types we don't serve. */
  readonly meaning?: Meaning
}

export const openStream = (snapshot: Snapshot): StreamState => ({
  snapshot,
  subscriptions: new Map(),
  vanished: NOTHING_VANISHED,
  sent: 0,
})

export function step(state: StreamState, event: DeltaEvent): Step {
  switch (event.kind) {
    case 'snapshot': {
      const { snapshot } = event
      return reconcile({ ...state, snapshot, vanished: afterSnapshot(state.vanished, snapshot) })
    }
    case 'period':
      return reconcile({
        ...state,
        vanished: afterPeriod(state.vanished, state.snapshot, state.subscriptions),
      })
    case 'request':
      return stepRequest(state, event.request)
  }
}

function stepRequest(state: StreamState, request: DeltaRequest): Step {
  const { typeUrl } = request
  // A type that we never serve: Envoy asks only for what a resource of ours told it to.
  if (!isTypeUrl(typeUrl)) return { state, responses: [] }
  const before = state.subscriptions.get(typeUrl)
  const meaning = meaningOf(request, before)
  const after = afterRequest(before, request, meaning)
  const next = withSubscription(state, typeUrl, after)
  // An Envoy that comes back names the endpoints it holds, though a cluster just sent will start without
  // them.
  const clusters = next.subscriptions.get(TYPE_URL.cluster)?.unanswered?.changes
  const isBack = meaning === 'first' && typeUrl === TYPE_URL.endpoints && clusters !== undefined
  return { ...reconcile(isBack ? withEndpointsAgain(next, clusters) : next), meaning }
}

/**
 * Whether Envoy has accepted all of one type, and holds nothing beyond it that could still serve a request.
 */
export function holdsAll({ snapshot, subscriptions }: StreamState, typeUrl: TypeUrl): boolean {
  const resources = resourcesOf(snapshot, typeUrl)
  const subscription = subscriptions.get(typeUrl)
  if (subscription === undefined) return resources.size === 0
  const { held, unanswered } = subscription
  if (unanswered !== undefined) return false
  if (!REMOVED_LAST.has(typeUrl) && held.size !== resources.size) return false
  for (const [name, { version }] of resources) if (held.get(name) !== version) return false
  return true
}

/** Whether Envoy has accepted the whole snapshot and holds nothing beyond it. */
export const isSettled = (state: StreamState): boolean => ORDER.every((typeUrl) => holdsAll(state, typeUrl))

/** Resources of the current snapshot that Envoy will not have, as it said itself. */
export function refusalsOf(state: StreamState): readonly {
  readonly typeUrl: TypeUrl
  readonly name: string
  readonly message: string
}[] {
  return [...state.subscriptions].flatMap(([typeUrl, { refused }]) =>
    [...refused].flatMap(([name, { version, message }]) =>
      (resourcesOf(state.snapshot, typeUrl).get(name)?.version ?? null) === version
        ? [{ typeUrl, name, message }]
        : [],
    ),
  )
}

/** Whether every response was answered and nothing is left to be sent: what is refused stays refused. */
export function isQuiet(state: StreamState): boolean {
  return [...state.subscriptions.values()].every(
    ({ unanswered, retries }) => unanswered === undefined && retries.length === 0,
  )
}

function withSubscription(state: StreamState, typeUrl: TypeUrl, subscription: Subscription): StreamState {
  return { ...state, subscriptions: new Map(state.subscriptions).set(typeUrl, subscription) }
}

function reconcile(before: StreamState): Step {
  let state = before
  const responses: DeltaResponse[] = []
  const trySend = (typeUrl: TypeUrl, isLast: boolean): 'busy' | 'idle' => {
    const subscription = state.subscriptions.get(typeUrl)
    if (subscription === undefined) return 'idle'
    if (subscription.unanswered !== undefined) return 'busy'
    const { changes, retries } = nextChanges(state, typeUrl, subscription, isLast)
    const nonce = String(state.sent + 1)
    const unanswered = changes.size === 0 && !subscription.isAwaited ? undefined : { nonce, changes }
    if (unanswered !== undefined) {
      responses.push(responseOf(state.snapshot, typeUrl, subscription, unanswered))
      state = { ...state, sent: state.sent + 1 }
    }
    if (unanswered !== undefined || retries !== subscription.retries) {
      state = withSubscription(state, typeUrl, { ...subscription, retries, unanswered, isAwaited: false })
    }
    if (typeUrl === TYPE_URL.cluster) state = withEndpointsAgain(state, changes)
    return unanswered === undefined ? 'idle' : 'busy'
  }

  const busy = new Set<TypeUrl>()
  const isWaiting = (typeUrl: TypeUrl) => !UNORDERED.has(typeUrl) && FIRST.some((first) => busy.has(first))
  for (const typeUrl of ORDER) {
    if (isWaiting(typeUrl) || trySend(typeUrl, false) === 'busy') busy.add(typeUrl)
  }
  // What Envoy refused keeps its last accepted form, and that may use what is to be removed.
  if (busy.size === 0 && refusalsOf(state).length === 0) {
    // Endpoints and secrets of a removed cluster are given up by Envoy itself, so they come after its answer.
    ORDER.some((typeUrl) => trySend(typeUrl, true) === 'busy')
  }
  return { state, responses }
}

/**
 * A changed cluster starts without endpoints and waits for them, but Envoy asks only for names that are new
 * to it: so endpoints are sent again after their cluster.
 *
 * @see "Resource warming" in Envoy's xDS protocol
 */
function withEndpointsAgain(state: StreamState, clusters: Changes): StreamState {
  const endpoints = state.subscriptions.get(TYPE_URL.endpoints)
  const names = [...clusters.keys()].filter((name) => endpoints?.names.has(name))
  if (endpoints === undefined || names.length === 0) return state
  return withSubscription(state, TYPE_URL.endpoints, withoutKnowledgeOf(endpoints, names))
}

/** What to send next of one type: a part of a refused response, or all that Envoy lacks. */
function nextChanges(
  { snapshot, vanished }: StreamState,
  typeUrl: TypeUrl,
  subscription: Subscription,
  isLast: boolean,
): { readonly changes: Changes; readonly retries: readonly Changes[] } {
  const mayRemove = (name: string) =>
    !REMOVED_LAST.has(typeUrl) || (isLast && isUnused(vanished, typeUrl, name))
  const lacking = lackingOf(resourcesOf(snapshot, typeUrl), subscription, mayRemove)
  const retries = [...subscription.retries]
  while (retries.length > 0) {
    const part = retries.shift() ?? new Map<string, string | null>()
    // The snapshot may have moved on since the refusal.
    const changes = new Map([...part].filter(([name, version]) => lacking.get(name) === version))
    if (changes.size > 0) return { changes, retries }
  }
  return {
    changes: ALONE.has(typeUrl) ? firstOf(lacking) : lacking,
    retries: subscription.retries.length === 0 ? subscription.retries : retries,
  }
}

/**
 * Envoy takes a secret that it has just refused without a word, and without effect, when the same comes
 * again. Refused together with others it could not be found by trying them apart, so each goes alone.
 */
const ALONE: ReadonlySet<TypeUrl> = new Set([TYPE_URL.secret])

const firstOf = (changes: Changes): Changes => new Map([...changes].slice(0, 1))

function lackingOf(
  resources: ReadonlyMap<string, Resource>,
  { isWildcard, names, held, absent, refused }: Subscription,
  mayRemove: (name: string) => boolean,
): Changes {
  const changes = new Map<string, string | null>()
  const lack = (name: string, version: string | null) => {
    const refusal = refused.get(name)
    if (refusal === undefined || refusal.version !== version) changes.set(name, version)
  }
  if (isWildcard) {
    for (const [name, { version }] of resources) if (held.get(name) !== version) lack(name, version)
  }
  for (const name of names) {
    const version = resources.get(name)?.version
    if (version !== undefined) {
      if (!isWildcard && held.get(name) !== version) lack(name, version)
    } else if (!held.has(name) && !absent.has(name)) {
      // Asked for and unknown: said at once, or Envoy waits for it.
      lack(name, null)
    }
  }
  for (const name of held.keys()) if (!resources.has(name) && mayRemove(name)) lack(name, null)
  return changes
}

function responseOf(
  snapshot: Snapshot,
  typeUrl: TypeUrl,
  { held }: Subscription,
  { nonce, changes }: { readonly nonce: string; readonly changes: Changes },
): DeltaResponse {
  const all = resourcesOf(snapshot, typeUrl)
  const resources: Resource[] = []
  const removed: string[] = []
  const absent: string[] = []
  for (const [name, version] of changes) {
    const resource = version === null ? undefined : all.get(name)
    if (resource !== undefined) resources.push(resource)
    else if (held.has(name)) removed.push(name)
    else absent.push(name)
  }
  return { typeUrl, nonce, generation: snapshot.generation, resources, removed, absent }
}
