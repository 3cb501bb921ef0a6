import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../../parse.ts'
import { problemsOf } from '../../problems.fixture.ts'

const wrong = (yaml: string) => problemsOf(`${yaml}\nroutes: []`)

describe('records and geoip', () => {
  it('come out complete, with secrets hidden', () => {
    const parsed = parseConfig(
      [
        'records:',
        '  employees: { path: people.csv, key: user.email }',
        '  assets:',
        '    url: https://hr.example.com/assets',
        '    format: json',
        '    key: request.client_certificate.fingerprint',
        '    headers: { Authorization: env:TOKEN }',
        'geoip: { databases: [a.mmdb], max_age: 720h }',
        'routes: []',
      ].join('\n'),
      { env: { TOKEN: 'planted' } },
    )
    assert.ok('config' in parsed, JSON.stringify(parsed))
    const { records, geoip } = parsed.config.settings
    assert.deepEqual(geoip, { databases: ['a.mmdb'], max_age: 2_592_000_000 })
    assert.equal(records['employees']?.key_field, 'email')
    assert.equal(records['assets']?.key_field, 'fingerprint')
    assert.equal(records['assets']?.headers['Authorization']?.reveal(), 'planted')
    assert.doesNotMatch(JSON.stringify(records), /planted/)
  })

  it('that are wrong are named with what to write', () => {
    assert.deepEqual(wrong('records: { a: { key: user.id } }'), [
      '1:15 records.a: needs one of `path` and `url`',
    ])
    assert.deepEqual(wrong('records: { a: { path: x.txt, key: user.id, poll_interval: 1m } }'), [
      '1:23 records.a.path: ends neither in .json nor in .csv; say which by `format`',
      '1:59 records.a.poll_interval: is for a `url`',
    ])
    assert.deepEqual(wrong('records: { A: { path: x.csv, key: user.id } }'), [
      '1:15 records.A: is not a record type: lower-case letters, digits, "_", "-" and ".", beginning with a letter',
    ])
    assert.match(wrong('records: { a: { path: x.csv, key: user.mail } }').join(), /did you mean "user.email"/)
    assert.deepEqual(wrong('records: { a: { url: http://hr.example.com/, key: user.id } }'), [
      '1:22 records.a.url: must be an https URL; plain http is for this machine only',
    ])
    assert.deepEqual(wrong('records: { a: { url: https://u:p@hr.example.com/, key: user.id } }'), [
      '1:22 records.a.url: may not hold a password; send it in `headers`',
    ])
    assert.deepEqual(wrong('geoip: { databases: [] }'), ['1:21 geoip.databases: must not be an empty list'])
  })
})
