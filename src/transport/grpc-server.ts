/**
 * A gRPC server of @grpc/grpc-js on a private Unix socket: for ADS streams, and for the reference
 * implementation that unary-server.ts is compared with.
 *
 * @module
 */
import { createServer } from 'node:net'
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { listenUnix, type SocketPlace } from './unix-socket.ts'

export interface GrpcService {
  readonly definition: ServiceDefinition
  readonly implementation: UntypedServiceImplementation
}

/** How long calls that are under way may take to end once the server is being closed. */
const DRAIN_MS = 2000

/** Listens as `listenUnix` does; disposing waits for calls under way, then closes what is left. */
export async function serveGrpc(options: {
  readonly socketPath: SocketPlace
  readonly services: readonly GrpcService[]
  readonly maxMessageBytes?: number
  readonly drainMs?: number
}): Promise<AsyncDisposable> {
  const { socketPath, services, maxMessageBytes = 16 << 20, drainMs = DRAIN_MS } = options
  const server = new Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': -1,
  })
  for (const { definition, implementation } of services) server.addService(definition, implementation)
  // Its own way of listening takes paths alone, and opens them to everybody for a moment.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const listener = createServer((socket) => injector.injectConnection(socket))
  await listenUnix(listener, socketPath)
  return {
    async [Symbol.asyncDispose]() {
      listener.close()
      const timer = setTimeout(() => server.forceShutdown(), drainMs)
      await new Promise<void>((resolve) => {
        server.tryShutdown(() => resolve())
      })
      clearTimeout(timer)
    },
  }
}
