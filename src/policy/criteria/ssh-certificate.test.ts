import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { parse } from 'yaml'
import { mayLogIn, readSshCertificate } from './ssh-certificate.ts'
import { readSshKeys, type SshKeys } from './ssh-keys.ts'

/** Certificates that ssh-keygen has made, with the authority that the specification lists for them. */
const { keys } = parse(
  readFileSync(join(import.meta.dirname, '..', 'conformance', 'facts.yaml'), 'utf8'),
) as {
  readonly keys: Readonly<Record<string, string>>
}
const NOW = Date.UTC(2030, 0, 15)
const LOGIN = { username: 'alice', sourceIp: '192.0.2.10', now: NOW }

const fail = (_: unknown, message: string): never => assert.fail(message)

const blobOf = (name: string): Buffer => Buffer.from(keys[name] ?? '', 'base64')

function authoritiesOf(blob: Uint8Array): SshKeys {
  const { authority = '' } = readSshCertificate(blob) ?? {}
  const type = Buffer.from(authority, 'base64').toString('latin1').slice(4).split('\0')[0]
  return readSshKeys(`${type} ${authority}`, [], fail) ?? new Map()
}

function isTaken(blob: Uint8Array, authorities: SshKeys): boolean {
  const certificate = readSshCertificate(blob)
  return certificate !== undefined && mayLogIn(certificate, authorities, LOGIN)
}

describe('an SSH certificate', () => {
  for (const name of ['certified', 'certified-rsa', 'certified-p256', 'certified-p384', 'certified-p521']) {
    it(`is taken as it was signed and not with any bit of it turned: ${name}`, () => {
      const blob = blobOf(name)
      const authorities = authoritiesOf(blob)
      assert.ok(isTaken(blob, authorities))
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: blob.length - 1 }),
          fc.integer({ min: 0, max: 7 }),
          (at, bit) => {
            const altered = Buffer.from(blob)
            altered.writeUInt8(altered.readUInt8(at) ^ (1 << bit), at)
            assert.equal(isTaken(altered, authorities), false)
          },
        ),
      )
    })
  }

  it('is taken whole only', () => {
    const blob = blobOf('certified')
    const authorities = authoritiesOf(blob)
    assert.ok(!isTaken(Buffer.concat([blob, Buffer.of(0)]), authorities))
    for (let length = 0; length < blob.length; length += 7)
      assert.ok(!isTaken(blob.subarray(0, length), authorities))
  })

  it('is nothing that any bytes could be, and never a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.equal(readSshCertificate(bytes), undefined)
      }),
    )
  })

  it('is not taken by another authority of the same kind', () => {
    const other = readSshKeys(
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG5bfbINn7RDvgHkfWcF8tEs5fuuDTUSJfM0XrYxlqJW',
      [],
      fail,
    )
    assert.ok(other)
    assert.ok(!isTaken(blobOf('certified'), other))
  })
})
