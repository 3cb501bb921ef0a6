/**
 * The channel of one open stream: a call of Envoy's external processor that ends with the stream.
 *
 * Envoy owes the processor a message on trailers, so it keeps the call open as long as the answer lasts, and
 * no byte of a body passes here.
 *
 * @see envoy/service/ext_proc/v3/external_processor.proto
 * @module
 */
import type { ServerDuplexStream } from '@grpc/grpc-js'
import { FACTS_KEY, PERMIT_KEY, PERMIT_NAMESPACE, readFacts, readPermit } from '../edge/permit.ts'
import type { ProcessingRequest__Output as ProcessingRequest } from '../gen/envoy-api/envoy/service/ext_proc/v3/ProcessingRequest.ts'
import type { ProcessingResponse } from '../gen/envoy-api/envoy/service/ext_proc/v3/ProcessingResponse.ts'
import { GrpcStatus } from '../transport/grpc-status.ts'
import type { Permitted } from './judge.ts'
import type { StreamEnd } from './streams.ts'

export type Call = ServerDuplexStream<ProcessingRequest, ProcessingResponse>

/** What Envoy tells with the first message. */
export interface Opened extends Partial<Permitted> {
  /** Envoy's `x-request-id`. */
  readonly decisionId: string
  /** Otherwise Envoy has answered itself, such as a request that the check did not let pass. */
  readonly isFromUpstream: boolean
}

const ATTRIBUTES = 'envoy.filters.http.ext_proc'

export function openedBy({ attributes, metadata_context: context }: ProcessingRequest): Opened {
  const kept = context?.filter_metadata?.[PERMIT_NAMESPACE]?.fields ?? {}
  const permit = readPermit(kept[PERMIT_KEY]?.stringValue)
  const told = attributes?.[ATTRIBUTES]?.fields ?? {}
  return {
    decisionId: told['request.id']?.stringValue ?? '',
    isFromUpstream: (told['upstream.address']?.stringValue ?? '') !== '',
    facts: readFacts(kept[FACTS_KEY]?.stringValue),
    ...(permit && { permit }),
  }
}

export const goOn: ProcessingResponse = { response_headers: {} }

/** Before the headers of the answer have gone out the client gets all of it; later a stream that breaks. */
export const ending = ({ status, reason }: StreamEnd): ProcessingResponse => ({
  immediate_response: {
    status: { code: CODES[status] },
    headers: { set_headers: [{ header: { key: 'cache-control', raw_value: Buffer.from('no-store') } }] },
    body: Buffer.from(`${reason}\n`),
    grpc_status: { status: status === 401 ? GrpcStatus.UNAUTHENTICATED : GrpcStatus.PERMISSION_DENIED },
    details: 'supervise',
  },
})

const CODES = { 401: 'Unauthorized', 403: 'Forbidden', 503: 'ServiceUnavailable' } as const
