/**
 * A gRPC server of @grpc/grpc-js on a private Unix socket: for ADS streams, and for the reference
 * implementation that unary-server.ts is compared with.
 *
 * @module
 */
import { chmodSync } from 'node:fs'
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { Fault } from '../errors.ts'
import { clearSocketPath } from './unix-socket.ts'

export interface GrpcService {
  readonly definition: ServiceDefinition
  readonly implementation: UntypedServiceImplementation
}

/** How long calls that are under way may take to end once the server is being closed. */
const DRAIN_MS = 2000

/** Listens with mode 0600; disposing waits for calls under way, then closes what is left. */
export async function serveGrpc(options: {
  readonly socketPath: string
  readonly services: readonly GrpcService[]
  readonly maxMessageBytes?: number
  readonly drainMs?: number
}): Promise<AsyncDisposable> {
  const { socketPath, services, maxMessageBytes = 16 << 20, drainMs = DRAIN_MS } = options
  await clearSocketPath(socketPath)
  const server = new Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': -1,
  })
  for (const { definition, implementation } of services) server.addService(definition, implementation)
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve()
      else reject(new Fault('PORT_IN_USE', `cannot listen on ${socketPath}`, { cause: error }))
    })
  })
  // Until here the directory's mode (0700) keeps others out.
  chmodSync(socketPath, 0o600)
  return {
    async [Symbol.asyncDispose]() {
      const timer = setTimeout(() => server.forceShutdown(), drainMs)
      await new Promise<void>((resolve) => {
        server.tryShutdown(() => resolve())
      })
      clearTimeout(timer)
    },
  }
}
