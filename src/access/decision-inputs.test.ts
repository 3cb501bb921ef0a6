import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authorizerFor, configOf, STAFF_ROUTE } from '../extauthz/authorizer.fixture.ts'
import type { CompiledPolicy, DataSources, ReadFact } from '../policy/decision.ts'
import { inputsOf, NotedLookups } from './decision-inputs.ts'

const policy = (...reads: readonly ReadFact[]): CompiledPolicy => ({
  reads: new Set(reads),
  readsSubject: false,
  needsHeaders: [],
  mentionedGroups: [],
  mentionedClaims: [],
  decide: () => assert.fail(),
})
const NOTHING = { headersRead: undefined, lookups: undefined }

describe('what a decision looked at', () => {
  it('is in its line when a criterion has asked for headers, and not otherwise', async () => {
    using fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, cors_allow_preflight: true }]))
    await fixture.ask({ method: 'GET', headers: { origin: 'https://a.example.com' } })
    await fixture.ask({ method: 'OPTIONS', headers: { origin: 'https://a.example.com', cookie: 'planted' } })
    assert.deepEqual(
      fixture.lines.map(({ inputs }) => inputs),
      [undefined, { headers: { origin: 'https://a.example.com', 'access-control-request-method': null } }],
    )
  })

  it('has the client certificate where the policy reads one', () => {
    const facts = { ...NOTHING, clientCertificate: { presented: false } } as const
    assert.equal(inputsOf(facts, policy('method')), undefined)
    assert.deepEqual(inputsOf(facts, policy('client_certificate')), {
      'client-certificate': { presented: false },
    })
    assert.deepEqual(inputsOf(NOTHING, policy('client_certificate')), { 'client-certificate': null })
  })

  it('has the rows and the place that were found, and says when there was none or none to be had', () => {
    const rows: DataSources = {
      record: (type) => (type === 'a' ? { team: 'x' } : type === 'b' ? undefined : 'unknown'),
      place: () => ({ country: 'DE' }),
    }
    const lookups = new NotedLookups(rows)
    assert.equal(inputsOf({ ...NOTHING, lookups }, policy('record')), undefined)
    for (const type of ['a', 'b', 'c']) lookups.record(type, 'key')
    lookups.place('192.0.2.1')
    assert.deepEqual(inputsOf({ ...NOTHING, lookups }, policy('record', 'geo')), {
      records: { a: { team: 'x' }, b: null, c: 'unknown' },
      place: { country: 'DE' },
    })
  })

  it('leaves out a row that is too long, rather than giving a part of it', () => {
    const lookups = new NotedLookups({ record: () => ({ note: 'x'.repeat(5000) }), place: () => undefined })
    lookups.record('a', 'key')
    assert.deepEqual(inputsOf({ ...NOTHING, lookups }, policy('record')), { records: { a: 'unknown' } })
  })
})
