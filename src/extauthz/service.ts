/**
 * Answers Envoy's `Check` calls: the door of the authorizer.
 *
 * @module
 */
import type { Buffer } from 'node:buffer'
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js'
import { REPORTS_PATH } from '../edge/open-requests.ts'
import type { Meter } from '../telemetry/metrics.ts'
import { serveGrpc } from '../transport/grpc-server.ts'
import { serveUnary } from '../transport/unary-server.ts'
import type { SocketPlace } from '../transport/unix-socket.ts'
import { createAuthorizer } from './authorizer.ts'
import type { Ports } from './ports.ts'

export const CHECK_PATH = '/envoy.service.auth.v3.Authorization/Check'

export interface ExtAuthzOptions extends Ports {
  readonly socketPath: SocketPlace
  readonly meter: Meter
  /** `grpc-js` is the reference that the thin server is compared with, and a way out should it fail. */
  readonly implementation?: 'thin' | 'grpc-js'
}

export async function serveExtAuthz(options: ExtAuthzOptions): Promise<AsyncDisposable> {
  const { socketPath, logger, implementation = 'thin' } = options
  await using starting = new AsyncDisposableStack()
  const authorizer = starting.use(createAuthorizer(options))
  starting.use(
    implementation === 'thin'
      ? await serveUnary({
          socketPath,
          methods: {
            [CHECK_PATH]: (message) => authorizer.check(message),
            [REPORTS_PATH]: (message) => authorizer.report(message),
          },
          onBug: (error) => logger.error({ err: error }, 'bug in the authorization server'),
        })
      : await serveGrpc({
          socketPath,
          services: [{ definition: DEFINITION, implementation: { check, report } }],
        }),
  )
  return starting.move()

  function check(call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>): void {
    Promise.resolve(authorizer.check(call.request)).then(
      (bytes) => respond(null, bytes),
      (error: unknown) => respond(error instanceof Error ? error : new Error('check failed')),
    )
  }

  function report(call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>): void {
    try {
      respond(null, authorizer.report(call.request))
    } catch (error) {
      respond(error instanceof Error ? error : new Error('the report failed'))
    }
  }
}

const bytes = (message: Buffer) => message

/** Bytes in, bytes out: the authorizer reads and writes the messages itself. */
const unary = (path: string) =>
  ({
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  }) as const

const DEFINITION = { check: unary(CHECK_PATH), report: unary(REPORTS_PATH) }
