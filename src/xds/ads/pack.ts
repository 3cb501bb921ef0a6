/**
 * Turns a resource in Envoy's JSON form into protobuf bytes.
 *
 * The JSON form is what Envoy's documentation and `/config_dump` show: durations are `"1.5s"`, wrappers are
 * plain values, an `Any` is an object with `'@type'`. Unlike protobufjs' `fromObject`, a field that the
 * message doesn't have is an error here, so a misspelt key can't turn into a default that nobody asked for.
 *
 * @module
 */

import protobuf from 'protobufjs'

/** Looks a message up by its full name, without a leading dot. */
export type LookupType = (name: string) => protobuf.Type

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json | undefined }

/** An object in Envoy's JSON form that says which message it is. */
export interface TypedJson {
  readonly '@type': string
  readonly [key: string]: Json | undefined
}

type Write = (value: Json, writer: protobuf.Writer) => void

const WIRE_TYPES: Readonly<Record<string, number>> = {
  double: 1, float: 5, int32: 0, uint32: 0, sint32: 0, fixed32: 5, sfixed32: 5,
  int64: 0, uint64: 0, sint64: 0, fixed64: 1, sfixed64: 1, bool: 0, string: 2, bytes: 2,
} // biome-ignore format: a table

/** A bug of ours, not of the configuration: resources are made by this program alone. */
function reject(where: string, problem: string): never {
  throw new TypeError(`${where}: ${problem}`)
}

const isObject = (value: Json | undefined): value is { readonly [key: string]: Json | undefined } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

/** Seconds and nanoseconds of `"1.5s"`. */
function partsOfDuration(value: Json, where: string): { seconds: number; nanos: number } {
  const parts = typeof value === 'string' ? /^(\d+)(?:\.(\d{1,9}))?s$/.exec(value) : null
  if (parts === null) return reject(where, `${JSON.stringify(value)} is not a duration such as "1.5s"`)
  return { seconds: Number(parts[1]), nanos: Number((parts[2] ?? '').padEnd(9, '0')) }
}

const WRAPPERS = /^google\.protobuf\.(?:Bool|String|Bytes|Double|Float|U?Int(?:32|64))Value$/

/** Writes messages of one set of .proto files; each type is compiled once, on first use. */
export class Packer {
  readonly #lookup: LookupType
  readonly #writers = new Map<string, Write>()

  constructor(lookup: LookupType) {
    this.#lookup = lookup
  }

  /** The bytes of the message that `'@type'` names. */
  pack(json: TypedJson): Uint8Array {
    const { '@type': typeUrl, ...fields } = json
    const writer = protobuf.Writer.create()
    this.#writerOf(nameOf(typeUrl))(fields, writer)
    return writer.finish()
  }

  #writerOf(name: string): Write {
    const known = this.#writers.get(name)
    if (known !== undefined) return known
    // Messages nest in themselves: the entry has to be there before the fields are compiled.
    let compiled: Write | undefined
    const write: Write = (value, writer) => {
      compiled ??= this.#compile(name)
      compiled(value, writer)
    }
    this.#writers.set(name, write)
    return write
  }

  #compile(name: string): Write {
    if (name === 'google.protobuf.Any') return this.#writeAny
    if (name === 'google.protobuf.Duration') return writeDuration
    if (name === 'google.protobuf.Struct') return (value, writer) => this.#writeStruct(value, writer)
    if (name === 'google.protobuf.Value') return (value, writer) => this.#writeValue(value, writer)
    const type = this.#lookup(name)
    const fields = new Map(type.fieldsArray.map((field) => [field.name, this.#compileField(field)]))
    const wrapped = WRAPPERS.test(name) ? fields.get('value') : undefined
    if (wrapped !== undefined) return wrapped
    return (value, writer) => {
      if (!isObject(value)) return reject(name, `${JSON.stringify(value)} is not an object`)
      for (const key in value) {
        const fieldValue = value[key]
        if (fieldValue === undefined) continue
        const write = fields.get(key)
        if (write === undefined) return reject(name, `has no field "${key}"`)
        write(fieldValue, writer)
      }
      return undefined
    }
  }

  #compileField(field: protobuf.Field): Write {
    field.resolve()
    const where = field.fullName
    if (field instanceof protobuf.MapField) return this.#compileMap(field, field.keyType)
    const one = this.#compileOne(field, field.id)
    if (!field.repeated) return one
    return (value, writer) => {
      if (!isList(value)) return reject(where, 'is not a list')
      // Unpacked scalars are legal on the wire for every parser, and there are few of them.
      for (const item of value) one(item, writer)
      return undefined
    }
  }

  #compileMap(field: protobuf.Field, keyType: string): Write {
    if (keyType !== 'string') return reject(field.fullName, 'only string keys are written')
    const writeEntry = this.#compileOne(field, 2)
    return (value, writer) => {
      if (!isObject(value)) return reject(field.fullName, 'is not an object')
      for (const [key, item] of Object.entries(value)) {
        if (item === undefined) continue
        writer
          .uint32((field.id << 3) | 2)
          .fork()
          .uint32(10)
          .string(key)
        writeEntry(item, writer)
        writer.ldelim()
      }
      return undefined
    }
  }

  #compileOne(field: protobuf.Field, id: number): Write {
    const { resolvedType, type, fullName } = field
    if (resolvedType instanceof protobuf.Enum) return compileEnum(resolvedType, id)
    if (resolvedType instanceof protobuf.Type) {
      const write = this.#writerOf(resolvedType.fullName.slice(1))
      const tag = (id << 3) | 2
      return (value, writer) => {
        writer.uint32(tag).fork()
        write(value, writer)
        writer.ldelim()
      }
    }
    return compileScalar(type, id, fullName)
  }

  readonly #writeAny: Write = (value, writer) => {
    if (!isObject(value) || typeof value['@type'] !== 'string') {
      return reject('google.protobuf.Any', `needs "@type": ${JSON.stringify(value)}`)
    }
    const { '@type': typeUrl, ...fields } = value
    writer.uint32(10).string(typeUrl).uint32(18).fork()
    this.#writerOf(nameOf(typeUrl))(fields, writer)
    writer.ldelim()
    return undefined
  }

  #writeStruct(value: Json, writer: protobuf.Writer): void {
    if (!isObject(value)) return reject('google.protobuf.Struct', 'is not an object')
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) continue
      writer.uint32(10).fork().uint32(10).string(key).uint32(18).fork()
      this.#writeValue(item, writer)
      writer.ldelim().ldelim()
    }
  }

  #writeValue(value: Json, writer: protobuf.Writer): void {
    if (value === null) writer.uint32(8).int32(0)
    else if (typeof value === 'number') writer.uint32(17).double(value)
    else if (typeof value === 'string') writer.uint32(26).string(value)
    else if (typeof value === 'boolean') writer.uint32(32).bool(value)
    else if (isList(value)) {
      writer.uint32(50).fork()
      for (const item of value) {
        writer.uint32(10).fork()
        this.#writeValue(item, writer)
        writer.ldelim()
      }
      writer.ldelim()
    } else {
      writer.uint32(42).fork()
      this.#writeStruct(value, writer)
      writer.ldelim()
    }
  }
}

const nameOf = (typeUrl: string): string => typeUrl.slice(typeUrl.lastIndexOf('/') + 1)

const writeDuration: Write = (value, writer) => {
  const { seconds, nanos } = partsOfDuration(value, 'google.protobuf.Duration')
  if (seconds !== 0) writer.uint32(8).int64(seconds)
  if (nanos !== 0) writer.uint32(16).int32(nanos)
}

function compileEnum(type: protobuf.Enum, id: number): Write {
  return (value, writer) => {
    const number = typeof value === 'string' ? type.values[value] : undefined
    if (number === undefined) return reject(type.fullName, `has no value ${JSON.stringify(value)}`)
    writer.uint32(id << 3).int32(number)
    return undefined
  }
}

function compileScalar(type: string, id: number, where: string): Write {
  const wireType = WIRE_TYPES[type]
  if (wireType === undefined) return reject(where, `type ${type} is not written`)
  const tag = (id << 3) | wireType
  switch (type) {
    case 'string':
      return (value, writer) => {
        if (typeof value !== 'string') return reject(where, `${JSON.stringify(value)} is not a string`)
        writer.uint32(tag).string(value)
        return undefined
      }
    case 'bytes':
      return (value, writer) => {
        if (typeof value !== 'string') return reject(where, 'is not a base64 string')
        writer.uint32(tag).bytes(Buffer.from(value, 'base64'))
        return undefined
      }
    case 'bool':
      return (value, writer) => {
        if (typeof value !== 'boolean') return reject(where, `${JSON.stringify(value)} is not a boolean`)
        writer.uint32(tag).bool(value)
        return undefined
      }
    default:
      return compileNumber(type, tag, where)
  }
}

const NUMBER_WRITERS: Readonly<Record<string, (writer: protobuf.Writer, value: number) => void>> = {
  double: (writer, value) => writer.double(value),
  float: (writer, value) => writer.float(value),
  int32: (writer, value) => writer.int32(value),
  uint32: (writer, value) => writer.uint32(value),
  int64: (writer, value) => writer.int64(value),
  uint64: (writer, value) => writer.uint64(value),
}

function compileNumber(type: string, tag: number, where: string): Write {
  const write = NUMBER_WRITERS[type]
  if (write === undefined) return reject(where, `type ${type} is not written`)
  const isWhole = type !== 'double' && type !== 'float'
  return (value, writer) => {
    if (typeof value !== 'number' || (isWhole && !Number.isSafeInteger(value))) {
      return reject(where, `${JSON.stringify(value)} is not a number of type ${type}`)
    }
    write(writer.uint32(tag), value)
    return undefined
  }
}
