import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { systemTrust } from './system-trust.ts'

describe('the roots of this machine', () => {
  const roots = systemTrust().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []

  it('are certificates, some dozens at least', () => {
    assert.ok(roots.length > 30)
    assert.ok(roots.every((pem) => new X509Certificate(pem).subject !== ''))
  })

  it('are there once each', () => {
    assert.equal(new Set(roots).size, roots.length)
  })
})
