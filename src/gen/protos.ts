/**
 * Gives the Envoy API of `proto/envoy-api/`, as it is, to those who speak it. The one hand-written file of
 * this folder: the types beside it are generated, and this is what gives them their bytes.
 *
 * Field names stay as Envoy's documentation writes them (`snake_case`). An object with `'@type'` in an
 * `Any` field is packed by `Type.fromObject` at any depth, if its type is named in `imports.ts`;
 * durations, wrappers and structs are messages here (`{seconds: 3}`, `{value: 1}`), not their JSON form.
 *
 * @module
 */

import type { ServiceDefinition } from '@grpc/grpc-js'
import type protobuf from 'protobufjs'
import { type ProtoScope, protoRoot } from '../form/protos.ts'
import { RESOURCES, SERVICES } from './imports.ts'

/** What a decoded message looks like; the generated `…__Output` types are written for exactly this. */
const DECODED: protobuf.IConversionOptions = { longs: String, enums: String, oneofs: true }

export interface Protos {
  readonly root: protobuf.Root
  /** @param name fully qualified, such as `envoy.config.route.v3.RouteConfiguration`, or a type URL */
  type(name: string): protobuf.Type
  /** A service as grpc-js wants it; name the generated `…Definition` as its type. */
  service<Definition extends ServiceDefinition>(name: string): Definition
}

/** What is loaded for each scope. */
export const PROTO_FILES: Readonly<Record<ProtoScope, readonly string[]>> = {
  services: SERVICES,
  all: [...SERVICES, ...RESOURCES],
}

function load(scope: ProtoScope): Protos {
  const root = protoRoot(scope, PROTO_FILES[scope])
  return {
    root,
    type: (name) => root.lookupType(name.slice(name.lastIndexOf('/') + 1)),
    service: <Definition extends ServiceDefinition>(name: string) =>
      definitionOf(root.lookupService(name)) as Definition,
  }
}

function definitionOf(service: protobuf.Service): ServiceDefinition {
  const path = service.fullName.slice(1)
  return Object.fromEntries(
    service.methodsArray.map((method) => {
      method.resolve()
      const { resolvedRequestType: request, resolvedResponseType: response } = method
      if (request === null || response === null) throw new Error(`${path}.${method.name} was not resolved`)
      return [
        method.name,
        {
          path: `/${path}/${method.name}`,
          requestStream: method.requestStream ?? false,
          responseStream: method.responseStream ?? false,
          requestSerialize: serializerOf(request),
          requestDeserialize: deserializerOf(request),
          responseSerialize: serializerOf(response),
          responseDeserialize: deserializerOf(response),
        },
      ]
    }),
  )
}

const serializerOf = (type: protobuf.Type) => (value: object) =>
  type.encode(type.fromObject(value)).finish() as Buffer

const deserializerOf = (type: protobuf.Type) => (bytes: Buffer) => type.toObject(type.decode(bytes), DECODED)

let services: Protos | undefined
let all: Protos | undefined

/**
 * The protos, parsed once per process.
 *
 * @param scope `services` (some 20 ms) holds the messages of ext_authz and ADS alone; `all` (some 100 ms)
 *   also whatever may stand in an `Any` of a resource
 */
export function loadProtos(scope: ProtoScope = 'all'): Protos {
  if (scope === 'services') return all ?? (services ??= load('services'))
  return (all ??= load('all'))
}
