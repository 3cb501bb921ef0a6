import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readServerUrl } from './server-url.ts'

describe('the address of a server', () => {
  it('is its origin, whatever page was named', () => {
    assert.equal(readServerUrl('https://App.example.com:443/a?b#c').href, 'https://app.example.com/')
    assert.equal(readServerUrl('http://app.localhost:8080/x').href, 'http://app.localhost:8080/')
    assert.equal(readServerUrl('http://[::1]:8080').origin, 'http://[::1]:8080')
  })

  for (const text of [
    undefined,
    '',
    'app.example.com',
    'file:///etc/passwd',
    'http://app.example.com',
    'http://127.0.0.1.evil.example.com',
    'http://localhost.evil.example.com',
    'tcp+https://db.example.com:5432',
    'https://somebody@app.example.com',
  ])
    it(`is refused: ${text}`, () => assert.throws(() => readServerUrl(text), { code: 'USAGE' }))

  it('is not shown with a password', () => {
    assert.throws(
      () => readServerUrl('https://somebody:hunter2@app.example.com'),
      (error: Error) => !error.message.includes('hunter2'),
    )
  })
})
