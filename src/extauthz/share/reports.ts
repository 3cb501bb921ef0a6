/**
 * Reads what Envoy's access log reports: one text a request, in an `ExportLogsServiceRequest`.
 *
 * @see opentelemetry/proto/collector/logs/v1/logs_service.proto
 * @module
 */
import { Buffer } from 'node:buffer'
import { WireReader } from '../wire.ts'

/** Field numbers, from the outermost message inwards. */
const TO_RECORDS = [1, 2, 2] as const
const LogRecordField = { body: 5 } as const
const AnyValueField = { stringValue: 1 } as const

/** @throws {Fault} `CHECK_MALFORMED` */
export function readReports(bytes: Buffer, onReport: (text: string) => void): Buffer {
  readInto(new WireReader(bytes), bytes.length, 0, onReport)
  return NOTHING_REJECTED
}

/** An `ExportLogsServiceResponse` without content. */
const NOTHING_REJECTED = Buffer.alloc(0)

function readInto(reader: WireReader, end: number, depth: number, onReport: (text: string) => void): void {
  const wanted = TO_RECORDS[depth]
  for (let field; (field = reader.next(end)) !== 0; ) {
    if (wanted === undefined) {
      if (field === LogRecordField.body) readBody(reader, reader.enter(), onReport)
    } else if (field === wanted) readInto(reader, reader.enter(), depth + 1, onReport)
  }
}

function readBody(reader: WireReader, end: number, onReport: (text: string) => void): void {
  for (let field; (field = reader.next(end)) !== 0; )
    if (field === AnyValueField.stringValue) onReport(reader.text())
}
