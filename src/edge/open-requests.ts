/**
 * How Envoy tells which requests are open: what its access log is told to send, and what the check reads of
 * it.
 *
 * The check marks each request that it lets pass. Envoy reports marked requests that are open for long, again
 * and again, and their end. Of short ones it reports the end where the mark asks for it, and else nothing.
 *
 * @module
 */

/** Of the OpenTelemetry protocol, which Envoy's access log speaks. */
export const REPORTS_PATH = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'

/** Envoy puts what a check tells it besides its answer under this name. */
export const MARK_NAMESPACE = 'envoy.filters.http.ext_authz'
export const MARK_KEY = 'open_request'

/** A mark that begins with it asks for a report of the end, however soon that is. */
export const TOLD_AT_ONCE = '!'

/** Each request that is open for so long is reported, and again after as long. */
export const REPORT_EVERY_MS = 5000

/** How long a report may wait for others, to travel with them. */
export const REPORTS_WAIT_MS = 20

/** Begins the report of a request that is open; that of one that has ended begins otherwise. */
export const STILL_OPEN = 'DownstreamPeriodic'
