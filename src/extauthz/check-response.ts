/**
 * Writes the bytes of a `CheckResponse`.
 *
 * @see envoy/service/auth/v3/external_auth.proto
 * @module
 */
import { Buffer } from 'node:buffer'
import { MARK_KEY, TOLD_AT_ONCE } from '../edge/open-requests.ts'
import { GrpcStatus } from '../transport/grpc-status.ts'
import type { HeaderEntry } from '../upstream/header.ts'
import type { Admission } from './share/open-requests.ts'
import { WireWriter } from './wire.ts'

/** Field numbers by message. */
const CheckResponseField = { status: 1, deniedResponse: 2, okResponse: 3, dynamicMetadata: 4 } as const
const StructField = { fields: 1 } as const
const MapEntryField = { key: 1, value: 2 } as const
const ValueField = { stringValue: 3 } as const
const StatusField = { code: 1 } as const
const OkField = { headers: 2, headersToRemove: 5 } as const
const DeniedField = { status: 1, headers: 2, body: 3 } as const
const HttpStatusField = { code: 1 } as const
const HeaderValueOptionField = { header: 1, appendAction: 3 } as const
const HeaderValueField = { key: 1, value: 2 } as const

/** `HeaderValueOption.HeaderAppendAction`. */
const APPEND_IF_EXISTS_OR_ADD = 0
const OVERWRITE_IF_EXISTS_OR_ADD = 2

export interface AllowedRequest {
  /** Set on the request, over what the client sent. */
  readonly headers: readonly HeaderEntry[]
  readonly headersToRemove: readonly string[]
}

export interface DeniedAnswer {
  /** HTTP status; must be one that Envoy's `StatusCode` lists. */
  readonly status: number
  readonly headers: readonly HeaderEntry[]
  readonly body: string
}

/** Allows the request. */
export function encodeAllowed({ headers, headersToRemove }: AllowedRequest): Buffer {
  const ok = new WireWriter()
  for (const header of headers) ok.message(OkField.headers, headerOption(header))
  for (const name of headersToRemove) ok.bytes(OkField.headersToRemove, name)
  return new WireWriter()
    .message(CheckResponseField.status, new WireWriter())
    .message(CheckResponseField.okResponse, ok)
    .finish()
}

/**
 * The answer, with a text that Envoy keeps with the request. Fields of a message may come in any order and in
 * parts.
 */
export function withKept(answer: Buffer, key: string, text: string): Buffer {
  const entry = new WireWriter()
    .bytes(MapEntryField.key, key)
    .message(MapEntryField.value, new WireWriter().bytes(ValueField.stringValue, text))
  const kept = new WireWriter().message(
    CheckResponseField.dynamicMetadata,
    new WireWriter().message(StructField.fields, entry),
  )
  return Buffer.concat([answer, kept.finish()])
}

/**
 * What stands before a mark: `dynamic_metadata`, its `fields`, key and value of one, and the value's
 * `string_value`.
 */
const MARK_PREFIX = Buffer.concat([
  Buffer.from([0x22, 0, 0x0a, 0, 0x0a, MARK_KEY.length]),
  Buffer.from(MARK_KEY),
  Buffer.from([0x12, 0, 0x1a, 0]),
])
/** Where the lengths stand in it; each counts what comes after it. */
const MARK_LENGTHS = [1, 3, MARK_PREFIX.length - 3, MARK_PREFIX.length - 1] as const
/** Lengths of one byte suffice for all marks there are. */
const LONGEST_MARK = 127 - MARK_PREFIX.length

/** The answer, with the mark by which Envoy reports the request. */
export function withMark(answer: Buffer, { mark: bare, isReported }: Admission): Buffer {
  const mark = isReported ? TOLD_AT_ONCE + bare : bare
  if (mark.length > LONGEST_MARK) throw new Error('a mark is too long')
  const bytes = Buffer.allocUnsafe(answer.length + MARK_PREFIX.length + mark.length)
  answer.copy(bytes)
  bytes.set(MARK_PREFIX, answer.length)
  for (const at of MARK_LENGTHS) bytes[answer.length + at] = MARK_PREFIX.length - at - 1 + mark.length
  bytes.write(mark, answer.length + MARK_PREFIX.length, 'latin1')
  return bytes
}

/**
 * Answers in the upstream's place.
 *
 * Always a `denied_response`: `error_response` would put the matter under Envoy's `failure_mode_allow`.
 */
export function encodeDenied({ status, headers, body }: DeniedAnswer): Buffer {
  const denied = new WireWriter().message(
    DeniedField.status,
    new WireWriter().varint(HttpStatusField.code, status),
  )
  for (const header of headers) denied.message(DeniedField.headers, headerOption(header))
  denied.bytes(DeniedField.body, body)
  return new WireWriter()
    .message(
      CheckResponseField.status,
      new WireWriter().varint(StatusField.code, GrpcStatus.PERMISSION_DENIED),
    )
    .message(CheckResponseField.deniedResponse, denied)
    .finish()
}

function headerOption([name, value]: HeaderEntry): WireWriter {
  return new WireWriter()
    .message(
      HeaderValueOptionField.header,
      new WireWriter().bytes(HeaderValueField.key, name).bytes(HeaderValueField.value, value),
    )
    .varint(
      HeaderValueOptionField.appendAction,
      // the one header of answers that may come on several lines
      name === 'set-cookie' ? APPEND_IF_EXISTS_OR_ADD : OVERWRITE_IF_EXISTS_OR_ADD,
    )
}
