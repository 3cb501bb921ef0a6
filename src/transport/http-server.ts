/**
 * The HTTP endpoint behind Envoy: fastify on a private Unix socket.
 *
 * Its only client is Envoy, so `x-request-id` and `x-forwarded-for` are Envoy's words. Turns a `Fault` into a
 * status with a page or JSON; anything else thrown is a bug, answered 500 with nothing but the decision id.
 *
 * @module
 */
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify'
import { Fault } from '../errors.ts'
import type { Logger } from '../telemetry/log.ts'
import { type FaultContext, faultJson, faultPage } from './fault-page.ts'
import { PAGE_HEADERS } from './page.ts'
import { prefersHtml } from './prefers-html.ts'
import { listenUnix, type SocketPlace } from './unix-socket.ts'

const MAX_BODY_BYTES = 64 * 1024
/** Envoy lets 60 KiB pass by default; what it let pass should not fail here. */
const MAX_HEADER_BYTES = 128 * 1024
const REQUEST_TIMEOUT_MS = 30_000

/**
 * A server without routes. Bodies are read of `application/x-www-form-urlencoded` only, as `URLSearchParams`.
 */
export function createHttpServer({ logger }: { readonly logger: Logger }): FastifyInstance {
  // Envoy writes the access log, so fastify logs no requests.
  const loggerInstance: FastifyBaseLogger = logger
  const server = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { maxHeaderSize: MAX_HEADER_BYTES },
    genReqId: (request) => decisionIdOf(request.headers['x-request-id']) ?? '',
  })
  server.removeAllContentTypeParsers()
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, new URLSearchParams(String(body))),
  )
  server.setErrorHandler((error, request, reply) => sendFault(error, request, reply))
  server.setNotFoundHandler((request, reply) =>
    sendFault(new Fault('NOT_FOUND', 'no such page'), request, reply),
  )
  return server
}

/** Listens as `listenUnix` does; disposing ends idle connections and waits for requests under way. */
export async function listenHttp(server: FastifyInstance, socketPath: SocketPlace): Promise<AsyncDisposable> {
  await server.ready()
  await listenUnix(server.server, socketPath)
  return {
    async [Symbol.asyncDispose]() {
      await server.close()
      const closed = new Promise<void>((resolve) => {
        server.server.close(() => resolve())
      })
      server.server.closeIdleConnections()
      await closed
    },
  }
}

/** Envoy's request id, or `undefined` when it is of a form that we would not print. */
export function decisionIdOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[\w-]{1,64}$/.test(header) ? header : undefined
}

/** Answers a fault, or a bug, in the form that the client understands. */
export function sendFault(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  context: Omit<FaultContext, 'decisionId'> = {},
): FastifyReply {
  const fault = toFault(error)
  const decisionId = request.id === '' ? undefined : request.id
  if (fault === undefined) request.log.error({ err: error, 'request-id': decisionId }, 'bug while answering')
  else logFault(fault, request, decisionId)
  const shown = { ...context, decisionId }
  reply.code(fault?.status ?? 500).headers(PAGE_HEADERS)
  if (prefersHtml(request.headers)) return reply.send(faultPage(fault, shown))
  return reply.type('application/json; charset=utf-8').send(faultJson(fault, shown))
}

function logFault(fault: Fault, request: FastifyRequest, decisionId: string | undefined): void {
  const line = { code: fault.code, reason: fault.message, 'request-id': decisionId, err: fault.cause }
  if (fault.status >= 500) request.log.error(line, 'request failed')
  else request.log.info(line, 'request refused')
}

/** Faults, and the refusals that fastify itself makes (body too large, wrong media type). */
function toFault(error: unknown): Fault | undefined {
  if (error instanceof Fault) return error
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  if (typeof status !== 'number' || status < 400 || status >= 500) return undefined
  return new Fault('REQUEST_INVALID', error instanceof Error ? error.message : 'refused', { cause: error })
}
