/**
 * An authorizer that allows everything, for tests of what Envoy does with a request once it is allowed. It is
 * no part of the product, and remembers what it was asked.
 *
 * @module
 */
import { join } from 'node:path'
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js'
import type { AuthorizationDefinition } from '../../src/gen/envoy-api/envoy/service/auth/v3/Authorization.ts'
import type { CheckRequest__Output } from '../../src/gen/envoy-api/envoy/service/auth/v3/CheckRequest.ts'
import type { CheckResponse } from '../../src/gen/envoy-api/envoy/service/auth/v3/CheckResponse.ts'
import { loadProtos } from '../../src/gen/protos.ts'
import { serveGrpc } from '../../src/transport/grpc-server.ts'

export interface AllowAll extends AsyncDisposable {
  /** `context_extensions` and the request as Envoy told them, oldest first. */
  readonly checks: {
    readonly routeId: string
    readonly method: string
    readonly host: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
  }[]
}

/** For this path the answer holds what no header can be. */
export const SPOILT_PATH = '/spoilt'
const SPOILT = { headers: [{ header: { key: 'no name', value: 'x' } }] }

type HttpRequest = NonNullable<
  NonNullable<NonNullable<CheckRequest__Output['attributes']>['request']>['http']
>

/** In either of the two forms in which Envoy can send them. */
function headersOf(http: HttpRequest | null | undefined): Readonly<Record<string, string>> {
  const raw = http?.header_map?.headers ?? []
  if (raw.length === 0) return http?.headers ?? {}
  return Object.fromEntries(
    raw.map(({ key, value, raw_value: bytes }) => [key, value || (bytes?.toString() ?? '')]),
  )
}

export async function startAllowAll(runDirectory: string): Promise<AllowAll> {
  const checks: AllowAll['checks'] = []
  const check = (
    call: ServerUnaryCall<CheckRequest__Output, CheckResponse>,
    callback: sendUnaryData<CheckResponse>,
  ): void => {
    const { attributes } = call.request
    const http = attributes?.request?.http
    checks.push({
      routeId: attributes?.context_extensions?.['route_id'] ?? '',
      method: http?.method ?? '',
      host: http?.host ?? '',
      path: http?.path ?? '',
      headers: headersOf(http),
    })
    callback(null, { status: { code: 0 }, ok_response: http?.path === SPOILT_PATH ? SPOILT : {} })
  }
  const server = await serveGrpc({
    socketPath: join(runDirectory, 'authz.sock'),
    services: [
      {
        definition: loadProtos('services').service<AuthorizationDefinition>(
          'envoy.service.auth.v3.Authorization',
        ),
        implementation: { Check: check },
      },
    ],
    drainMs: 100,
  })
  return { checks, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}
