/**
 * The floor that Sallyport's checks are compared to: an ext_authz server on grpc-js that allows everything.
 *
 *     node bench/allow-all.ts SOCKET
 *
 * @module
 */
import type { ServerUnaryCall, ServiceDefinition, sendUnaryData } from '@grpc/grpc-js'
import { loadProtos } from '../src/gen/protos.ts'
import { serveGrpc } from '../src/transport/grpc-server.ts'

const [socketPath] = process.argv.slice(2)
if (socketPath === undefined) throw new Error('name the socket')

const answer = { status: { code: 0 }, ok_response: {} }
await serveGrpc({
  socketPath,
  services: [
    {
      definition: loadProtos('services').service<ServiceDefinition>('envoy.service.auth.v3.Authorization'),
      implementation: {
        Check: (_call: ServerUnaryCall<object, object>, callback: sendUnaryData<object>) =>
          callback(null, answer),
      },
    },
  ],
})
process.stdout.write('ready\n')
