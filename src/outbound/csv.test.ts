import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readCsv } from './csv.ts'

describe('readCsv', () => {
  it('gives each row by the names of the header, with its line', () => {
    assert.deepEqual(readCsv('email,team\nalice@example.com, harbour \n\nbob@example.com,"a, b"\n'), {
      columns: ['email', 'team'],
      rows: [
        { line: 2, values: { email: 'alice@example.com', team: 'harbour' } },
        { line: 4, values: { email: 'bob@example.com', team: 'a, b' } },
      ],
    })
  })

  it('takes a byte order mark, semicolons, and line breaks of Windows', () => {
    assert.deepEqual(readCsv('\uFEFFid;name\r\n1;Alice\r\n'), {
      columns: ['id', 'name'],
      rows: [{ line: 2, values: { id: '1', name: 'Alice' } }],
    })
  })

  it('counts the lines of quoted values', () => {
    const read = readCsv('id,note\n1,"two\nlines"\n2,x\n')
    assert.ok('rows' in read)
    assert.deepEqual(
      read.rows.map(({ line }) => line),
      [2, 4],
    )
  })

  it('says what is wrong, and on which line', () => {
    assert.deepEqual(readCsv(''), { wrong: 'is empty; its first line must name the columns', line: 1 })
    assert.deepEqual(readCsv('a,b\n1,2\n3\n'), {
      wrong: 'has 1 values where the header names 2 columns',
      line: 3,
    })
    assert.deepEqual(readCsv('a,a\n'), { wrong: 'names the column "a" twice', line: 1 })
    const open = readCsv('a,b\n1,"never closed\n')
    assert.ok('wrong' in open && /not valid CSV/.test(open.wrong), JSON.stringify(open))
  })

  it('keeps columns with the names of object members apart from those', () => {
    const read = readCsv('__proto__,constructor\nx,y\n')
    assert.ok('rows' in read)
    assert.deepEqual(Object.entries(read.rows[0]?.values ?? {}), [
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
  })
})
