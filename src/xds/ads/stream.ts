/**
 * One delta ADS stream: reads requests, steps the protocol, writes responses.
 *
 * @module
 */

import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { DeltaDiscoveryRequest__Output } from '../../gen/envoy-api/envoy/service/discovery/v3/DeltaDiscoveryRequest.ts'
import type { Logger } from '../../telemetry/log.ts'
import {
  type DeltaEvent,
  type DeltaResponse,
  holdsAll,
  isQuiet,
  isSettled,
  openStream,
  refusalsOf,
  type StreamState,
  step,
} from './delta.ts'
import type { ResponseEncoder } from './encoder.ts'
import { isTypeUrl, type Snapshot, shortNameOf, type TypeUrl } from './resource.ts'
import type { DeltaRequest } from './subscription.ts'
import { isWaiting } from './vanished.ts'

export type AdsCall = ServerDuplexStream<DeltaDiscoveryRequest__Output, Uint8Array>

/** What the service wants to know of a stream. */
export interface StreamObserver {
  sent(typeUrl: TypeUrl, resources: number, bytes: number): void
  refused(typeUrl: TypeUrl, message: string): void
  /** After each step. */
  stepped(): void
}

const LONGEST_MESSAGE = 500

/** For an Envoy that others start: we look at ports before we start one ourselves. */
const NO_RIGHT =
  '; ports below 1024 need the right to them: AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit of Envoy, or another "address"'

/** Envoy's words without the dump of the whole resource that may follow them, keys included. */
function wordsOf(message: string): string {
  const [words = ''] = message.split(/:? goo\.gle\/debug|\n/)
  const isLowPort = /cannot bind '[^']*:\d{1,3}': Permission denied/.test(words)
  return `${words.slice(0, LONGEST_MESSAGE)}${isLowPort ? NO_RIGHT : ''}`
}

function requestOf(message: DeltaDiscoveryRequest__Output): DeltaRequest {
  return {
    typeUrl: message.type_url ?? '',
    subscribe: message.resource_names_subscribe ?? [],
    unsubscribe: message.resource_names_unsubscribe ?? [],
    initialVersions: message.initial_resource_versions ?? {},
    responseNonce: message.response_nonce ?? '',
    errorDetail: message.error_detail == null ? undefined : wordsOf(message.error_detail.message ?? ''),
  }
}

export class AdsStream {
  readonly #call: AdsCall
  readonly #encoder: ResponseEncoder
  readonly #observer: StreamObserver
  readonly #logger: Logger
  readonly #removalGraceMs: number
  #state: StreamState
  #timer: NodeJS.Timeout | undefined
  #nodeId = 'unknown'

  constructor(options: {
    readonly call: AdsCall
    readonly snapshot: Snapshot
    readonly encoder: ResponseEncoder
    readonly observer: StreamObserver
    readonly logger: Logger
    /** How long what vanished may still be in use. */
    readonly removalGraceMs: number
  }) {
    this.#call = options.call
    this.#encoder = options.encoder
    this.#observer = options.observer
    this.#logger = options.logger
    this.#removalGraceMs = options.removalGraceMs
    this.#state = openStream(options.snapshot)
    this.#call.on('data', (message: DeltaDiscoveryRequest__Output) => this.#receive(message))
    this.#waitForRequests()
  }

  get nodeId(): string {
    return this.#nodeId
  }

  get generation(): number {
    return this.#state.snapshot.generation
  }

  /** Envoy holds the snapshot and nothing else. */
  get isSettled(): boolean {
    return isSettled(this.#state)
  }

  holds(typeUrl: TypeUrl): boolean {
    return holdsAll(this.#state, typeUrl)
  }

  /** Nothing more will come of the snapshot, and some of it was refused. */
  get hasFailed(): boolean {
    return isQuiet(this.#state) && this.refusals.length > 0
  }

  get refusals(): ReturnType<typeof refusalsOf> {
    return refusalsOf(this.#state)
  }

  push(snapshot: Snapshot): void {
    this.#step({ kind: 'snapshot', snapshot })
    this.#waitForRequests()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#call.end()
  }

  /** Counts the periods after which what vanished may go, as long as anything waits for one. */
  #waitForRequests(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#step({ kind: 'period' })
      if (isWaiting(this.#state.vanished)) this.#waitForRequests()
    }, this.#removalGraceMs).unref()
  }

  #receive(message: DeltaDiscoveryRequest__Output): void {
    if (message.node != null) this.#nodeId = message.node.id || 'unknown'
    const request = requestOf(message)
    const before = this.refusals.length
    const meaning = this.#step({ kind: 'request', request })
    if (meaning === 'nack' && isTypeUrl(request.typeUrl)) this.#noteRefusal(request, request.typeUrl, before)
  }

  #noteRefusal(request: DeltaRequest, typeUrl: TypeUrl, refusalsBefore: number): void {
    const envoy = request.errorDetail ?? ''
    this.#observer.refused(typeUrl, envoy)
    const { refusals } = this
    const found = refusals.length > refusalsBefore ? refusals.at(-1) : undefined
    const fields = { node: this.#nodeId, type: shortNameOf(typeUrl), generation: this.generation, envoy }
    if (found === undefined) this.#logger.warn(fields, 'Envoy refused an update; looking for the resource')
    else
      this.#logger.error(
        { ...fields, resource: found.name },
        'Envoy refused a resource; it keeps the last good one',
      )
  }

  #step(event: DeltaEvent): ReturnType<typeof step>['meaning'] {
    const { state, responses, meaning } = step(this.#state, event)
    this.#state = state
    for (const response of responses) this.#send(response)
    this.#observer.stepped()
    return meaning
  }

  #send(response: DeltaResponse): void {
    const bytes = this.#encoder.encode(response)
    this.#call.write(bytes)
    this.#observer.sent(response.typeUrl, response.resources.length, bytes.length)
  }
}
