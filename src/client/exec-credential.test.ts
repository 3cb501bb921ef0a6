import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { execCredential, readExecInfo } from './exec-credential.ts'

const ACCESS = { token: 'a.b.c', expiresAt: Date.UTC(2027, 0, 2, 3, 4, 5, 678), user: undefined }

const version = (apiVersion: unknown) => readExecInfo(JSON.stringify({ apiVersion })).apiVersion

describe('what kubectl reads', () => {
  it('has the token as a bearer token of ours, and its end in whole seconds', () => {
    assert.deepEqual(JSON.parse(execCredential(readExecInfo(undefined), ACCESS)), {
      kind: 'ExecCredential',
      apiVersion: 'client.authentication.k8s.io/v1',
      status: { expirationTimestamp: '2027-01-02T03:04:05Z', token: 'Pomerium-a.b.c' },
    })
  })

  it('is of the version that kubectl asks for, of those that there are', () => {
    assert.equal(version('client.authentication.k8s.io/v1beta1'), 'client.authentication.k8s.io/v1beta1')
    for (const other of ['client.authentication.k8s.io/v2', 7, null])
      assert.equal(version(other), 'client.authentication.k8s.io/v1')
    for (const text of ['', '{', 'null', '[]'])
      assert.equal(readExecInfo(text).apiVersion, 'client.authentication.k8s.io/v1')
  })

  it('is for the server that kubectl names, where it does', () => {
    const info = { spec: { cluster: { server: 'https://cluster.example.com' }, interactive: true } }
    assert.equal(readExecInfo(JSON.stringify(info)).server, 'https://cluster.example.com')
    assert.equal(readExecInfo(JSON.stringify({ spec: {} })).server, undefined)
  })
})
