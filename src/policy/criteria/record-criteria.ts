/**
 * Criteria about what is kept on record elsewhere: rows of a table, found by one fact of the request.
 *
 * @module
 */
import { valuesIn } from '../../flat-claims.ts'
import type { PolicyContext } from '../context.ts'
import type { DataSources, Identified, ReadFact, RecordKey, RequestFacts, Subject } from '../decision.ts'
import { ofRecord } from '../left-out.ts'
import { addressOf } from '../matching/ip-ranges.ts'
import { mailOf } from '../matching/mail-of.ts'
import { fullId, isFullId, providerOf, type UserNames } from '../matching/user-ids.ts'
import {
  type Criterion,
  hit,
  miss,
  NO_ADDRESS,
  type Outcome,
  UNIDENTIFIED,
  UNVERIFIED,
  unknown,
} from '../outcome.ts'
import { isMapping } from '../problem.ts'
import { choiceOf, suggestion } from '../suggestion.ts'
import type { CompileData, Kinds, Reading } from './kind.ts'
import { FIELD_CONDITIONS, type FieldCondition, fieldCondition } from './record-conditions.ts'

const OK = hit('record-ok')
const MISS = miss('record-unauthorized')
const UNKNOWN = unknown('record-unknown')
const ABSENT = unknown('record-absent')

export const RECORD_CRITERIA: Kinds = {
  record: {
    holds:
      'the row of that type has a field that meets all the conditions. The type is declared under the global key `records`, with the fact of the request by which its row is found. A field or a row that is not there is [known to be none](policy.md#missing-facts)',
    data: '`type`; `field`, with dots into nested ones; and conditions. Conditions are those of text matchers, `has`, `exclude`, `exists`, or a comparison with a number or a text: `<`, `<=`, `=`, `>`, `>=`',
    example: { type: 'employees', field: 'level', '>=': 3 },
    reasons: [
      'record-ok',
      'record-unauthorized',
      'record-unknown',
      'record-absent',
      'email-absent',
      'email-unverified',
      'user-unauthenticated',
    ],
    readingOf: (data, context) => readingOf(keyIn(data, context)),
    compile: record,
    leftOut: (data, _, context) => ofRecord(data, context),
  },
}

function record(...[data, at, report, { context }]: Parameters<CompileData>): Criterion | undefined {
  if (!isMapping(data)) {
    report(at, 'must be a mapping with type, field and a condition')
    return undefined
  }
  const { type, field, ...written } = data
  const known = Object.keys(context.records ?? {})
  const key = keyIn(data, context)
  if (type === undefined) report(at, 'needs a `type` that is declared under `records`')
  else if (typeof type !== 'string') report([...at, 'type'], 'must be the name of a record type, a text')
  else if (key === undefined)
    report(
      [...at, 'type'],
      `"${type}" is not declared under \`records\`${/geo/i.test(type) ? OF_PLACES : suggestion(type, known)}`,
    )
  if (typeof field !== 'string' || field === '')
    report(field === undefined ? at : [...at, 'field'], 'needs a `field`, the name of a column or member')
  if (Object.keys(written).length === 0)
    report(at, `says nothing of the field; write ${choiceOf(SHORT_CHOICE)} …`)
  const conditions = Object.entries(written).map(([name, value]) => fieldCondition(name, value, at, report))
  const usable = conditions.filter((condition) => condition !== undefined)
  const isComplete = usable.length === conditions.length && usable.length > 0
  if (
    key === undefined ||
    typeof type !== 'string' ||
    typeof field !== 'string' ||
    field === '' ||
    !isComplete
  )
    return undefined
  const segments = field.split('.')
  return (subject, request) => {
    const keyText = keyTextOf(key, subject, request, context)
    if (isOutcome(keyText)) return keyText
    if (request.data === undefined) return UNKNOWN
    const row = keyText === undefined ? undefined : rowOf(request.data, type, keyText)
    return row === 'unknown' ? UNKNOWN : judge(usable, valuesOf(row, field, segments))
  }
}

/** Elsewhere places are records; here they have a database and a criterion of their own. */
const OF_PLACES = '; where addresses are is asked by the criterion geoip'

const SHORT_CHOICE = FIELD_CONDITIONS.slice(0, 3)

function keyIn(data: unknown, { records = {} }: PolicyContext): RecordKey | undefined {
  const type = isMapping(data) ? data['type'] : undefined
  return typeof type === 'string' && Object.hasOwn(records, type) ? records[type]?.key : undefined
}

const READ_BY_KEY: Readonly<Record<RecordKey, readonly ReadFact[]>> = {
  'user.id': [],
  'user.email': [],
  'request.ip': ['source_ip'],
  'request.client_certificate.fingerprint': ['client_certificate'],
}

function readingOf(key: RecordKey | undefined): Reading {
  if (key === undefined) return { reads: ['record'] }
  return { reads: ['record', ...READ_BY_KEY[key]], readsSubject: key.startsWith('user.') }
}

/** One text, or two of which the first that has a row counts; a row of a doubtful one is unknown. */
type KeyText =
  | string
  | { readonly first: string; readonly second: string }
  | { readonly first: string; readonly doubtful: string }

function isOutcome(key: KeyText | Outcome | undefined): key is Outcome {
  return typeof key === 'object' && 'truth' in key
}

/** By what the row is found, `undefined` if there can be none; or the outcome when that is not known. */
function keyTextOf(
  key: RecordKey,
  subject: Subject,
  request: RequestFacts,
  { users }: PolicyContext,
): KeyText | undefined | Outcome {
  switch (key) {
    case 'user.id':
      if (subject.kind === 'anonymous') return UNIDENTIFIED
      return subject.userId === '' ? UNKNOWN : idKeyOf(subject, users)
    case 'user.email':
      return subject.kind === 'anonymous' ? UNIDENTIFIED : mailKeyOf(subject)
    case 'request.ip':
      return addressOf(request.sourceIp) === undefined ? UNKNOWN : request.sourceIp
    case 'request.client_certificate.fingerprint': {
      const { clientCertificate: shown } = request
      if (shown === undefined) return UNKNOWN
      if (!shown.presented) return undefined
      return shown.validity === 'valid' ? shown.fingerprint : UNKNOWN
    }
  }
}

/**
 * Of somebody at another provider than ids without a name are of, the row of the bare id may be somebody
 * else's. And so is it if the id looks like a full one: that is its provider's word, and the row is of whom
 * it names.
 */
function idKeyOf(someone: Identified, users: UserNames | undefined): KeyText {
  if (users === undefined || someone.kind !== 'user') return someone.userId
  const full = fullId(someone, users)
  if (isFullId(someone.userId, users)) return full
  const isOwn = users.own !== undefined && providerOf(someone, users) === users.own
  return isOwn ? { first: someone.userId, second: full } : { first: full, doubtful: someone.userId }
}

function rowOf(data: DataSources, type: string, key: KeyText): ReturnType<DataSources['record']> {
  if (typeof key === 'string') return data.record(type, key)
  const row = data.record(type, key.first)
  if (row !== undefined) return row
  if ('second' in key) return data.record(type, key.second)
  return data.record(type, key.doubtful) === undefined ? undefined : 'unknown'
}

/** An address that can be read in two ways may lead to the rows of two people. */
function mailKeyOf(someone: Identified): string | undefined | Outcome {
  const read = mailOf(someone)
  if (read === 'none') return undefined
  if (read === 'absent') return NO_ADDRESS
  if (read === 'unverified') return UNVERIFIED
  if (typeof read === 'string' || read.plain.address !== read.lenient.address) return UNKNOWN
  return someone.email ?? UNKNOWN
}

function judge(
  conditions: readonly FieldCondition[],
  values: readonly string[] | undefined | 'unknown',
): Outcome {
  if (values === 'unknown') return UNKNOWN
  let outcome = OK
  for (const condition of conditions) {
    const truth = condition(values)
    if (truth === 'miss') return MISS
    if (truth === 'unknown') outcome = (values?.length ?? 0) === 0 ? ABSENT : UNKNOWN
  }
  return outcome
}

/** `undefined` for a field that is not there, is null or is empty, as the cells of a CSV file are. */
function valuesOf(
  row: Readonly<Record<string, unknown>> | undefined,
  field: string,
  segments: readonly string[],
): readonly string[] | undefined | 'unknown' {
  if (row === undefined) return undefined
  const value = Object.hasOwn(row, field) ? row[field] : nestedValue(row, segments)
  if (value === undefined || value === null || value === '') return undefined
  return valuesIn(value)
}

function nestedValue(row: Readonly<Record<string, unknown>>, segments: readonly string[]): unknown {
  let value: unknown = row
  for (const segment of segments) {
    if (!isMapping(value) || !Object.hasOwn(value, segment)) return undefined
    value = value[segment]
  }
  return value
}
