/**
 * What a policy has looked at beyond the fields that every line of the decision log has, so that the decision
 * can be explained and repeated later: headers, the client certificate, rows and places that were found.
 *
 * Only what criteria have really asked for is kept, and only on routes whose policy may ask.
 *
 * @module
 */
import type { ClientCertificateFacts, CompiledPolicy, DataSources, RequestFacts } from '../policy/decision.ts'

type FoundRow = ReturnType<DataSources['record']>
type FoundPlace = ReturnType<DataSources['place']>

/** A row may be a whole personnel file, and a certificate may name a thousand hosts. In JSON. */
const LONGEST_VALUE = 2048
const LONGEST_HEADER = 256

/** Looks up what a policy asks for, and remembers what it was told. */
export class NotedLookups implements DataSources {
  readonly #data: DataSources
  readonly records = new Map<string, FoundRow>()
  readonly places: FoundPlace[] = []

  constructor(data: DataSources) {
    this.#data = data
  }

  record(type: string, key: string): FoundRow {
    const row = this.#data.record(type, key)
    this.records.set(type, row)
    return row
  }

  place(ip: string): FoundPlace {
    const place = this.#data.place(ip)
    this.places[0] = place
    return place
  }
}

/** The facts of a request, once a policy has been asked. */
export interface Consulted extends Pick<RequestFacts, 'clientCertificate'> {
  /** Undefined when no criterion has asked for headers. */
  readonly headersRead: Readonly<Record<string, string>> | undefined
  readonly lookups: NotedLookups | undefined
}

/**
 * Members by the names that the log has them under; `undefined` where the usual fields say all, as on most
 * routes. `null` is what was looked for and is not there.
 */
export function inputsOf(
  facts: Consulted,
  { reads, needsHeaders }: CompiledPolicy,
): Readonly<Record<string, unknown>> | undefined {
  const { headersRead, lookups, clientCertificate } = facts
  const hasCertificate = reads.has('client_certificate')
  const hasLookups = lookups !== undefined && (lookups.records.size > 0 || lookups.places.length > 0)
  if (headersRead === undefined && !hasCertificate && !hasLookups) return undefined
  const inputs: Record<string, unknown> = {}
  if (headersRead !== undefined) {
    inputs['headers'] = Object.fromEntries(
      needsHeaders.map((name) => [name, headersRead[name]?.slice(0, LONGEST_HEADER) ?? null]),
    )
  }
  if (hasCertificate) inputs['client-certificate'] = whole(certificateFacts(clientCertificate), null)
  if (hasLookups) {
    const rows = [...lookups.records].map(([type, row]) => [type, whole(row, 'unknown')] as const)
    if (rows.length > 0) inputs['records'] = Object.fromEntries(rows)
    if (lookups.places.length > 0) inputs['place'] = lookups.places[0] ?? null
  }
  return inputs
}

/** Those that criteria read, and nothing else of what a certificate holds. */
function certificateFacts(facts: ClientCertificateFacts | undefined): ClientCertificateFacts | undefined {
  if (facts?.presented !== true) return facts && { presented: false }
  const { presented, validity, fingerprint, spkiHash, sanDns, sanEmail, sanUri } = facts
  return { presented, validity, fingerprint, spkiHash, sanDns, sanEmail, sanUri }
}

/** Not a part of it: whoever repeats the decision would take the part for the whole. */
function whole<Value>(value: Value | undefined, otherwise: null | 'unknown'): Value | null | 'unknown' {
  if (value === undefined) return null
  return JSON.stringify(value).length <= LONGEST_VALUE ? value : otherwise
}
