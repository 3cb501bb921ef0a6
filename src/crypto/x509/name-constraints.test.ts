// oxlint-disable-next-line import/no-unassigned-import -- a polyfill that the X.509 library wants before it loads
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as x509 from '@peculiar/x509'
import { reasonOf } from '../../access/credentials/client-certificate/verifier.fixture.ts'
import { type CertificateOptions, createClientAuthority, der } from '../../config/client-authority.fixture.ts'

const subtrees = (tag: number, bases: readonly Buffer[]) =>
  der(0x30, der(tag, ...bases.map((base) => der(0x30, base))))
const permitted = (...bases: readonly Buffer[]) => subtrees(0xa0, bases)
const excluded = (...bases: readonly Buffer[]) => subtrees(0xa1, bases)
const name = (text: string) => Buffer.from(new x509.Name(text).toArrayBuffer())

describe('an authority with name constraints', () => {
  const rows: readonly (readonly [string, Buffer, CertificateOptions, boolean])[] = [
    [
      'DNS inside',
      permitted(der(0x82, 'example.com')),
      { names: [{ type: 'dns', value: 'ci.example.com' }] },
      true,
    ],
    [
      'DNS outside',
      permitted(der(0x82, 'example.com')),
      { names: [{ type: 'dns', value: 'ci.badexample.com' }] },
      false,
    ],
    [
      'DNS excluded',
      excluded(der(0x82, 'example.com')),
      { names: [{ type: 'dns', value: 'EXAMPLE.com' }] },
      false,
    ],
    [
      'e-mail of the host',
      permitted(der(0x81, 'example.com')),
      { names: [{ type: 'email', value: 'a@example.com' }] },
      true,
    ],
    [
      'e-mail of a host below',
      permitted(der(0x81, 'example.com')),
      { names: [{ type: 'email', value: 'a@x.example.com' }] },
      false,
    ],
    [
      'e-mail below a domain',
      permitted(der(0x81, '.example.com')),
      { names: [{ type: 'email', value: 'a@x.example.com' }] },
      true,
    ],
    [
      'e-mail with two @',
      permitted(der(0x81, 'example.com')),
      { names: [{ type: 'email', value: 'a@evil.test@example.com' }] },
      false,
    ],
    [
      'the very mailbox',
      permitted(der(0x81, 'a@Example.com')),
      { names: [{ type: 'email', value: 'a@example.COM' }] },
      true,
    ],
    [
      'URI inside',
      permitted(der(0x86, '.example.com')),
      { names: [{ type: 'url', value: 'spiffe://x.example.com/a' }] },
      true,
    ],
    [
      'URI outside',
      permitted(der(0x86, '.example.com')),
      { names: [{ type: 'url', value: 'spiffe://evil.test/.example.com' }] },
      false,
    ],
    [
      'URI without host',
      excluded(der(0x86, '.example.com')),
      { names: [{ type: 'url', value: 'urn:a:b' }] },
      false,
    ],
    [
      'IP inside',
      permitted(der(0x87, Buffer.from([192, 0, 2, 0, 255, 255, 255, 0]))),
      { names: [{ type: 'ip', value: '192.0.2.9' }] },
      true,
    ],
    [
      'IP outside',
      permitted(der(0x87, Buffer.from([192, 0, 2, 0, 255, 255, 255, 0]))),
      { names: [{ type: 'ip', value: '192.0.3.9' }] },
      false,
    ],
    ['subject inside', permitted(der(0xa4, name('O=Example'))), { subject: 'O=EXAMPLE, CN=a' }, true],
    ['subject outside', permitted(der(0xa4, name('O=Example'))), { subject: 'O=Other, CN=a' }, false],
    ['subject excluded', excluded(der(0xa4, name('O=Example'))), { subject: 'O=Example, CN=a' }, false],
    [
      'a kind that can’t be compared',
      permitted(der(0x88, Buffer.from([0x2a, 3]))),
      { rawNames: der(0x30, der(0x88, Buffer.from([0x2a, 3]))) },
      false,
    ],
    [
      'another kind than the constrained',
      permitted(der(0x82, 'example.com')),
      { names: [{ type: 'email', value: 'a@evil.test' }] },
      true,
    ],
  ]
  for (const [what, constraints, options, isValid] of rows) {
    it(`speaks ${isValid ? '' : 'not '}for: ${what}`, async () => {
      const constrained = await createClientAuthority('Constrained', { nameConstraints: constraints })
      const wanted = isValid ? 'valid' : 'names-not-permitted'
      assert.equal(reasonOf({ ca: constrained.cert }, [await constrained.issue(options)]), wanted)
    })
  }
})
