/**
 * The filter that opens a channel to Sallyport for each request that stays open: by it the stream is ended
 * when whoever opened it may not go on.
 *
 * What counts is what the answer is, not what the client says that it accepts. Answers that are none of these
 * open no channel.
 *
 * @module
 */
import { PERMIT_NAMESPACE } from '../../../edge/permit.ts'
import { duration, extension, type Fields } from '../envoy-json.ts'
import { SUPERVISE_CLUSTER, SUPERVISE_FILTER } from '../names.ts'

/** A pause of Sallyport's must not fail those who open a stream in it. */
const ANSWER_WITHIN_MS = 10_000

const HEADER_INPUT = 'envoy.type.matcher.v3.HttpResponseHeaderMatchInput'

const answerHas = (header_name: string, value_match: Fields): Fields => ({
  single_predicate: { input: extension('header', HEADER_INPUT, { header_name }), value_match },
})

/** Anywhere in it: programs differ in which of several they take, and in what they pass over before it. */
const contentType = (type: string): Fields => answerHas('content-type', { contains: type, ignore_case: true })

const STREAMS: Fields = {
  or_matcher: {
    predicate: [
      answerHas(':status', { exact: '101' }),
      contentType('text/event-stream'),
      contentType('application/grpc'),
      // the streaming calls of the Connect protocol
      contentType('application/connect+'),
      // cameras
      contentType('multipart/x-mixed-replace'),
    ],
  },
}

const SKIP = extension('skip', 'envoy.extensions.filters.common.matcher.action.v3.SkipFilter')

export const supervision: Fields = extension(
  SUPERVISE_FILTER,
  'envoy.extensions.common.matching.v3.ExtensionWithMatcher',
  {
    extension_config: extension(
      'envoy.filters.http.ext_proc',
      'envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor',
      {
        grpc_service: { envoy_grpc: { cluster_name: SUPERVISE_CLUSTER } },
        // Without Sallyport nothing new is let pass anyway; what is open is not cut by its restart.
        failure_mode_allow: true,
        processing_mode: {
          request_header_mode: 'SKIP',
          response_header_mode: 'SEND',
          // Envoy then owes a message until the stream ends, and keeps the channel open so long.
          response_trailer_mode: 'SEND',
        },
        message_timeout: duration(ANSWER_WITHIN_MS),
        response_attributes: ['request.id', 'upstream.address'],
        metadata_options: { forwarding_namespaces: { untyped: [PERMIT_NAMESPACE] } },
        route_cache_action: 'RETAIN',
      },
    ),
    xds_matcher: {
      matcher_list: {
        matchers: [{ predicate: { not_matcher: STREAMS }, on_match: { action: SKIP } }],
      },
    },
  },
)
