/**
 * A gRPC app to protect, and a client for it: bytes in, the same bytes out, so that no .proto file is needed.
 *
 * @module
 */
import * as grpc from '@grpc/grpc-js'
import { freePort } from './ports.ts'
import type { KeyPair } from './test-ca.ts'

const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value }

const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: bytes.serialize,
  requestDeserialize: bytes.deserialize,
  responseSerialize: bytes.serialize,
  responseDeserialize: bytes.deserialize,
})

const SERVICE = {
  unary: method('/test.Echo/Unary', false, false),
  fail: method('/test.Echo/Fail', false, false),
  chat: method('/test.Echo/Chat', true, true),
} satisfies grpc.ServiceDefinition

export interface GrpcUpstream extends AsyncDisposable {
  readonly port: number
  /** Metadata of each call, oldest first. */
  readonly calls: Record<string, grpc.MetadataValue>[]
}

export async function startGrpcUpstream(): Promise<GrpcUpstream> {
  const calls: Record<string, grpc.MetadataValue>[] = []
  const server = new grpc.Server()
  server.addService(SERVICE, {
    unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
      calls.push(call.metadata.getMap())
      const trailer = new grpc.Metadata()
      trailer.set('x-trailer', 'kept')
      callback(null, call.request, trailer)
    },
    fail: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
      calls.push(call.metadata.getMap())
      callback({ code: grpc.status.FAILED_PRECONDITION, details: 'not today' })
    },
    chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      calls.push(call.metadata.getMap())
      call.on('data', (message: Buffer) => call.write(message))
      call.on('end', () => call.end())
    },
  })
  const port = await freePort()
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
  return {
    port,
    calls,
    async [Symbol.asyncDispose]() {
      server.forceShutdown()
      await Promise.resolve()
    },
  }
}

export interface GrpcAnswer {
  readonly code: number
  readonly details: string
  readonly reply: Buffer | undefined
  readonly trailers: Record<string, grpc.MetadataValue>
}

export interface GrpcClient extends Disposable {
  call(name: 'Unary' | 'Fail', message: Buffer, metadata?: Record<string, string>): Promise<GrpcAnswer>
  /** Sends each message and answers what came back. */
  chat(messages: readonly Buffer[], metadata?: Record<string, string>): Promise<readonly Buffer[]>
}

const metadataOf = (values: Record<string, string> = {}): grpc.Metadata => {
  const metadata = new grpc.Metadata()
  for (const [name, value] of Object.entries(values)) metadata.set(name, value)
  return metadata
}

/** Calls `host` through the edge on `port`. */
export function grpcClient({
  host,
  port,
  ca,
  client: shown,
}: {
  readonly host: string
  readonly port: number
  readonly ca: string
  /** Shown in the TLS handshake. */
  readonly client?: KeyPair | undefined
}): GrpcClient {
  const [key, cert] = shown === undefined ? [] : [Buffer.from(shown.key), Buffer.from(shown.cert)]
  const credentials = grpc.credentials.createSsl(Buffer.from(ca), key, cert)
  const client = new grpc.Client(`127.0.0.1:${port}`, credentials, {
    'grpc.ssl_target_name_override': host,
    'grpc.default_authority': `${host}:${port}`,
  })
  return {
    call: (name, message, values) =>
      new Promise((resolve) => {
        let answer: Buffer | undefined
        const call = client.makeUnaryRequest(
          `/test.Echo/${name}`,
          bytes.serialize,
          bytes.deserialize,
          message,
          metadataOf(values),
          { deadline: Date.now() + 10_000 },
          (_error, reply) => {
            answer = reply
          },
        )
        call.on('status', (status) => {
          // the callback of the reply runs in the same tick, before or after
          setImmediate(() =>
            resolve({
              code: status.code,
              details: status.details,
              reply: answer,
              trailers: status.metadata.getMap(),
            }),
          )
        })
      }),
    chat: (messages, values) =>
      new Promise((resolve, reject) => {
        const call = client.makeBidiStreamRequest(
          '/test.Echo/Chat',
          bytes.serialize,
          bytes.deserialize,
          metadataOf(values),
          { deadline: Date.now() + 10_000 },
        )
        const replies: Buffer[] = []
        call.on('data', (reply: Buffer) => replies.push(reply))
        call.on('error', reject)
        call.on('end', () => resolve(replies))
        for (const message of messages) call.write(message)
        call.end()
      }),
    [Symbol.dispose]: () => client.close(),
  }
}
