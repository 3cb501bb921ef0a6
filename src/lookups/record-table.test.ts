import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { atOnce } from '../turns.ts'
import {
  buildingTable,
  type RecordTable,
  readKeyedRows,
  type TableForm,
  type TableResult,
} from './record-table.ts'

const CSV: TableForm = { format: 'csv', key: 'user.email', keyField: 'email' }
const JSON_BY_ID: TableForm = { format: 'json', key: 'user.id', keyField: 'id' }
const BY_ADDRESS: TableForm = { format: 'csv', key: 'request.ip', keyField: 'net' }

function readRecordTable(text: string, form: TableForm): TableResult {
  const read = readKeyedRows(text, form)
  return 'wrong' in read ? read.wrong : atOnce(buildingTable(read.rows, form))
}

function tableOf(text: string, form: TableForm): RecordTable {
  const read = readRecordTable(text, form)
  assert.ok('table' in read, JSON.stringify(read))
  return read.table
}

const wrongOf = (text: string, form: TableForm) => {
  const read = readRecordTable(text, form)
  assert.ok('wrong' in read)
  return read
}

describe('a table of records', () => {
  it('of CSV is looked into by a column, e-mail addresses without case', () => {
    const table = tableOf('email,team\nAlice@Example.com,harbour\nbob@example.com,tower\n', CSV)
    assert.deepEqual(table.find('alice@example.COM'), { email: 'Alice@Example.com', team: 'harbour' })
    assert.equal(table.find('carol@example.com'), undefined)
    assert.equal(table.size, 2)
  })

  it('is looked into by an address in any spelling, and says nothing of one that could be two', () => {
    const rows = 'email,team\nm@münchen.example,a\nt@xn--kln-sna.example,b\nmüller@x.test,c\nſam@x.test,d\n'
    const table = tableOf(rows, CSV)
    for (const [email, team] of [
      ['m@xn--mnchen-3ya.example', 'a'],
      ['M@mu\u0308nchen.example', 'a'],
      ['t@KÖLN.example', 'b'],
      ['mu\u0308ller@x.test', 'c'],
    ] as const) {
      const row = table.find(email)
      assert.equal(typeof row === 'object' && row['team'], team, email)
    }
    assert.equal(table.find('sam@x.test'), 'unknown')
    assert.equal(
      tableOf('email,a\nm@münchen.example,a\nm@xn--mnchen-3ya.example,b\n', CSV).ambiguous.length,
      1,
    )
  })

  it('of JSON does not take a key that JSON has rounded', () => {
    const { wrong } = wrongOf('[{"id": "a"}, {"id": 9007199254740993}]', JSON_BY_ID)
    assert.match(wrong, /^entry 2: its "id" is a number that JSON rounds; put it in quotes$/)
  })

  it('of JSON is a list of objects or an object of objects, ids as they are', () => {
    const list = tableOf('[{"id": "u1", "level": 3}, {"id": 7, "tags": ["a"]}]', JSON_BY_ID)
    assert.deepEqual(list.find('u1'), { id: 'u1', level: 3 })
    assert.deepEqual(list.find('7'), { id: 7, tags: ['a'] })
    assert.equal(list.find('U1'), undefined)
    assert.deepEqual(tableOf('{"u1": {"level": 3}}', JSON_BY_ID).find('u1'), { level: 3 })
  })

  it('of addresses takes ranges, and the narrowest one counts', () => {
    const table = tableOf(
      'net,site\n10.0.0.0/8,all\n10.1.0.0/16,harbour\n10.1.2.3,desk\n2001:db8::/32,six\n::ffff:192.0.2.0/120,mapped\n',
      BY_ADDRESS,
    )
    const site = (ip: string) => {
      const row = table.find(ip)
      return typeof row === 'object' ? row['site'] : row
    }
    assert.equal(site('10.9.9.9'), 'all')
    assert.equal(site('10.1.9.9'), 'harbour')
    assert.equal(site('10.1.2.3'), 'desk')
    assert.equal(site('::ffff:10.1.2.3'), 'desk')
    assert.equal(site('2001:db8:1::1'), 'six')
    assert.equal(site('192.0.2.77'), 'mapped')
    assert.equal(site('11.0.0.1'), undefined)
    assert.equal(site('nonsense'), undefined)
  })

  it('of fingerprints takes both spellings', () => {
    const form: TableForm = {
      format: 'csv',
      key: 'request.client_certificate.fingerprint',
      keyField: 'fingerprint',
    }
    assert.deepEqual(tableOf('fingerprint,owner\nAA:BB:0C,ci\n', form).find('aabb0c'), {
      fingerprint: 'AA:BB:0C',
      owner: 'ci',
    })
  })

  it('does not choose between two rows of one key', () => {
    const table = tableOf('email,team\na@x.test,one\nA@x.test,two\nb@x.test,one\n', CSV)
    assert.equal(table.find('a@x.test'), 'unknown')
    assert.deepEqual(table.ambiguous, ['a@x.test'])
    assert.notEqual(table.find('b@x.test'), 'unknown')
    assert.equal(tableOf('net,a\n10.0.0.0/8,1\n10.9.0.0/8,2\n', BY_ADDRESS).find('10.1.1.1'), 'unknown')
  })

  it('has no rows for the names of object members', () => {
    const table = tableOf('{"u1": {}}', JSON_BY_ID)
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
      assert.equal(table.find(key), undefined)
  })

  it('says what is wrong and where, and quotes no value', () => {
    assert.deepEqual(wrongOf('mail,team\n', CSV), {
      wrong: 'has no column "email"; its columns are mail, team',
      line: 1,
    })
    assert.deepEqual(wrongOf('email,team\n,x\n', CSV), { wrong: 'line 2: its "email" is empty', line: 2 })
    assert.deepEqual(wrongOf('net\n10.0.0.0/33\n', BY_ADDRESS), {
      wrong: 'line 2: its "net" is neither an IP address nor a range such as 10.0.0.0/8',
      line: 2,
    })
    assert.match(wrongOf('[{"id": "secret-value"', JSON_BY_ID).wrong, /^is not valid JSON/)
    assert.doesNotMatch(wrongOf('[{"id": "secret-value" x', JSON_BY_ID).wrong, /secret/)
    assert.equal(wrongOf('[1]', JSON_BY_ID).wrong, 'entry 1 is not an object')
    assert.equal(
      wrongOf('[{"id": null}]', JSON_BY_ID).wrong,
      'entry 1 has no "id" that is a text or a number',
    )
    assert.equal(wrongOf('"x"', JSON_BY_ID).wrong, 'must be a list of objects, or an object of objects')
  })
})
