/**
 * From a test as it is written to who asks and what is asked.
 *
 * @module
 */

import type { Settings } from '../../config/config.ts'
import { flattenClaims } from '../../flat-claims.ts'
import type {
  ClientCertificateFacts,
  DataSources,
  Identified,
  Place,
  RequestFacts,
  Subject,
} from '../../policy/decision.ts'
import { ANONYMOUS } from '../access.ts'

type WrittenSubject = NonNullable<Settings['test_subjects']>[string]
type WrittenTest = NonNullable<Settings['tests']>[number]
/** What a test says of the request besides its address. */
export type Circumstances = Pick<
  WrittenTest,
  'method' | 'ip' | 'headers' | 'time' | 'client_certificate' | 'place' | 'records'
>

/** Who asks, and the name to call them by. */
export interface Requester {
  readonly called: string
  readonly subject: Subject
}

export function requesterOf(who: WrittenTest['who'], subjects: Settings['test_subjects'] = {}): Requester {
  if (who === undefined || who === 'anonymous') return { called: 'anonymous', subject: ANONYMOUS }
  if (typeof who !== 'string') {
    const called = who.email ?? who.user ?? who.name ?? 'somebody'
    return { called, subject: subjectFrom(who, called) }
  }
  const written = Object.hasOwn(subjects, who) ? subjects[who] : undefined
  return { called: who, subject: written === undefined ? ANONYMOUS : subjectFrom(written, who) }
}

/** Claims that say what the keys say are there as they would be in an ID token. */
export function subjectFrom(written: WrittenSubject, called: string): Identified {
  const userId = written.user ?? (called.includes('@') ? called : (written.email ?? called))
  const { email, name, provider, groups = [], kind = 'user' } = written
  const usual = { sub: [userId], ...(email && { email: [email] }), ...(name && { name: [name] }) }
  const ofGroups = groups === 'unknown' ? {} : { groups }
  const claims = { ...usual, ...ofGroups, ...flattenClaims(written.claims ?? {}) }
  return {
    kind,
    sessionId: 'test',
    userId,
    provider,
    email: isUnverified(written.claims ?? {}) ? undefined : email,
    name,
    claims,
    groups,
  }
}

/** As it is judged at sign-in: whatever is not plainly true. */
function isUnverified(claims: Readonly<Record<string, unknown>>): boolean {
  if (!Object.hasOwn(claims, 'email_verified')) return false
  const said = [claims['email_verified']].flat()
  return said.length === 0 || !said.every((each) => /^true$/i.test(String(each)))
}

/**
 * What a test does not say is unknown to the criteria that ask for it: no test depends on the day it runs.
 */
export function factsOf(
  test: Circumstances,
  where: Pick<RequestFacts, 'host' | 'path' | 'isPathAsWritten'>,
): RequestFacts {
  const headers = Object.entries(test.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])
  return {
    method: test.method ?? 'GET',
    ...where,
    sourceIp: test.ip ?? '',
    headers: Object.fromEntries(headers),
    now: test.time === undefined ? undefined : Date.parse(test.time),
    clientCertificate: test.client_certificate && certificateOf(test.client_certificate),
    data: dataOf(test),
  }
}

function certificateOf(written: NonNullable<Circumstances['client_certificate']>): ClientCertificateFacts {
  if (!written.presented) return { presented: false }
  return {
    presented: true,
    validity: written.validity,
    fingerprint: written.fingerprint ?? '',
    spkiHash: written.spki_hash ?? '',
    sanDns: written.san_dns ?? [],
    sanEmail: written.san_email ?? [],
    sanUri: written.san_uri ?? [],
  }
}

function dataOf({ records = {}, place }: Circumstances): DataSources {
  const where: Place | 'unknown' = place ?? 'unknown'
  return {
    record: (type) => (Object.hasOwn(records, type) ? (records[type] ?? undefined) : 'unknown'),
    place: () => where,
  }
}
