/**
 * The Envoy API as data: what protobufjs makes of the .proto files, without what nothing on the wire needs.
 *
 * @module
 */
import { type ProtoScope, protoRoot } from '../src/form/protos.ts'
import { PROTO_FILES } from '../src/gen/protos.ts'

/** Options that change how bytes are read or written. All others are remarks for other tools. */
const ON_THE_WIRE = /^(?:packed|proto3_optional|map_entry|allow_alias|default|features.*)$/

/** What has names of the API as keys, of which any may be called `options` as well. */
const BY_NAME = new Set(['nested', 'fields', 'methods', 'oneofs'])

/** A JSON text that `Root.fromJSON` takes. */
export function slimProtos(scope: ProtoScope): string {
  return JSON.stringify(slim(protoRoot(scope, PROTO_FILES[scope]).toJSON()))
}

function slim(part: object): object {
  return Object.fromEntries(
    Object.entries(part).flatMap(([key, value]: [string, unknown]): [string, unknown][] => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[key, value]]
      if (BY_NAME.has(key)) return [[key, mapped(value, slim)]]
      if (key !== 'options') return [[key, value]]
      const kept = Object.entries(value).filter(([name]) => ON_THE_WIRE.test(name))
      return kept.length === 0 ? [] : [[key, Object.fromEntries(kept)]]
    }),
  )
}

function mapped(named: object, change: (part: object) => object): object {
  return Object.fromEntries(
    Object.entries(named).map(([name, part]: [string, unknown]) => [
      name,
      typeof part === 'object' && part !== null ? change(part) : part,
    ]),
  )
}
