// oxlint-disable-next-line import/no-unassigned-import -- a polyfill that the X.509 library wants before it loads
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import * as x509 from '@peculiar/x509'
import * as fc from 'fast-check'
import {
  type CertificateOptions,
  createClientAuthority,
  der,
  newKeys,
  newSerial,
} from '../../../config/client-authority.fixture.ts'
import { chainOf, judge, reasonOf, verifierOf } from './verifier.fixture.ts'

const { ExtendedKeyUsage } = x509
const DAY_MS = 86_400_000
const NOW = Date.now()
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes)
const rsaKeys = async (modulusLength: number) =>
  await newKeys({
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength,
    publicExponent: new Uint8Array([1, 0, 1]),
  })

const root = await createClientAuthority('Root')
const intermediate = await root.authority('Intermediate')
const leaf = await root.issue()
const deep = await intermediate.issue()
const ca = root.cert

describe('a client certificate', () => {
  it('is valid when a listed authority has issued it, and tells its hashes and names', async () => {
    const named = await root.issue({
      subject: 'CN=Alice, O=Example',
      names: [
        { type: 'dns', value: 'ci.example.com' },
        { type: 'email', value: 'alice@example.com' },
        { type: 'url', value: 'spiffe://example.com/ci' },
        { type: 'ip', value: '192.0.2.1' },
        { type: 'upn', value: 'alice@corp.example.com' },
      ],
    })
    const { raw, publicKey } = new X509Certificate(named.cert)
    assert.deepEqual(judge({ ca }, [named]), {
      presented: true,
      validity: 'valid',
      reason: undefined,
      fingerprint: sha256(raw).digest('hex'),
      spkiHash: sha256(publicKey.export({ type: 'spki', format: 'der' })).digest('base64'),
      sanDns: ['ci.example.com'],
      sanEmail: ['alice@example.com'],
      sanUri: ['spiffe://example.com/ci'],
      subject: 'CN=Alice, O=Example',
    })
  })

  const invalid: readonly (readonly [string, CertificateOptions, string])[] = [
    ['has expired', { notAfter: new Date(NOW - 3_600_000) }, 'expired'],
    ['is not valid yet', { notBefore: new Date(NOW + 3_600_000) }, 'not-yet-valid'],
    ['is for servers', { purposes: [ExtendedKeyUsage.serverAuth] }, 'wrong-purpose'],
    ['may not sign handshakes', { keyUsage: ['keyEncipherment'] }, 'wrong-purpose'],
    ['is signed with SHA-1', { hash: 'SHA-1' }, 'weak'],
    [
      'demands something unknown',
      { extensions: [new x509.Extension('1.2.3.4', true, der(0x05))] },
      'unknown-demands',
    ],
    [
      'has a name with a NUL in it',
      { rawNames: der(0x30, der(0x82, 'ci.example.com\0.evil.test')) },
      'unreadable',
    ],
    [
      'has a name with a line break in it',
      { rawNames: der(0x30, der(0x81, 'a@example.com\n')) },
      'unreadable',
    ],
    ['has an empty name', { rawNames: der(0x30, der(0x82)) }, 'unreadable'],
    [
      'has names that run over',
      { rawNames: Buffer.from([0x30, 0x04, 0x82, 0x09, 0x61, 0x62]) },
      'unreadable',
    ],
  ]
  for (const [what, options, reason] of invalid) {
    it(`is invalid when it ${what}`, async () => {
      assert.equal(reasonOf({ ca }, [await root.issue(options)]), reason)
    })
  }

  const valid: readonly (readonly [string, CertificateOptions])[] = [
    ['says nothing of purposes', { purposes: [] }],
    ['is for any purpose', { purposes: ['2.5.29.37.0'] }],
    ['may sign handshakes', { keyUsage: ['digitalSignature'] }],
    [
      'has names of kinds that nobody asks for',
      { names: [{ type: 'guid', value: '8ee13e53-2c1c-42bb-8df7-39927c0bdbb6' }] },
    ],
    ['is signed with SHA-384', { hash: 'SHA-384' }],
  ]
  for (const [what, options] of valid) {
    it(`is valid when it ${what}`, async () => {
      assert.equal(reasonOf({ ca }, [await root.issue(options)]), 'valid')
    })
  }

  it('is invalid when its key is short', async () => {
    assert.equal(reasonOf({ ca }, [await root.issue({ keys: await rsaKeys(1024) })]), 'weak')
    assert.equal(reasonOf({ ca }, [await root.issue({ keys: await rsaKeys(2048) })]), 'valid')
  })

  it('is invalid when another authority of the same name has issued it', async () => {
    const impostor = await createClientAuthority('Root')
    assert.equal(reasonOf({ ca }, [await impostor.issue()]), 'untrusted')
    assert.equal(reasonOf({ ca }, [await impostor.issue(), impostor]), 'untrusted')
    const both = { ca: impostor.cert + root.cert }
    assert.equal(reasonOf(both, [leaf]), 'valid')
  })

  it('is invalid when it vouches for itself', async () => {
    const self = await createClientAuthority('Self')
    assert.equal(reasonOf({ ca }, [self]), 'untrusted')
  })

  it('is invalid when a certificate that is no authority’s has signed it', async () => {
    const below = await root.authority('client', { isAuthority: false })
    assert.equal(reasonOf({ ca, max_verify_depth: 0 }, [await below.issue(), below]), 'untrusted')
    const mute = await root.authority('mute', { keyUsage: ['cRLSign'] })
    assert.equal(reasonOf({ ca, max_verify_depth: 0 }, [await mute.issue(), mute]), 'untrusted')
  })

  it('is invalid when it can’t be read, or is not there', () => {
    const verifier = verifierOf({ ca })
    for (const chain of [
      '',
      '%',
      'x',
      chainOf({ cert: 'no' }),
      encodeURIComponent(leaf.cert.replace(/M/g, 'A')),
    ])
      assert.equal(verifier.verify(chain, NOW).reason, 'unreadable', chain)
  })

  it('is invalid when any bit of it was turned', () => {
    const whole = Buffer.from(leaf.certificate.rawData)
    const verifier = verifierOf({ ca })
    fc.assert(
      fc.property(fc.nat(whole.length * 8 - 1), (bit) => {
        const turned = Buffer.from(whole)
        turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const pem = `-----BEGIN CERTIFICATE-----\n${turned.toString('base64')}\n-----END CERTIFICATE-----\n`
        assert.equal(verifier.verify(chainOf({ cert: pem }), NOW).validity, 'invalid')
      }),
      { numRuns: 500 },
    )
  })

  it('may be listed itself', async () => {
    const keyUsage = ['digitalSignature', 'keyCertSign'] as const
    const self = await createClientAuthority('Self', { keyUsage })
    assert.equal(reasonOf({ ca: self.cert }, [self]), 'valid')
  })
})

describe('a chain', () => {
  it('may have as many authorities as max_verify_depth says, the trusted one included', () => {
    assert.equal(reasonOf({ ca }, [leaf]), 'valid')
    assert.equal(reasonOf({ ca }, [deep, intermediate]), 'chain-too-long')
    assert.equal(reasonOf({ ca, max_verify_depth: 2 }, [deep, intermediate]), 'valid')
    assert.equal(reasonOf({ ca, max_verify_depth: 0 }, [deep, intermediate]), 'valid')
    assert.equal(reasonOf({ ca: root.cert + intermediate.cert }, [deep]), 'valid')
  })

  it('is not made up where the client leaves something out', () => {
    assert.equal(reasonOf({ ca, max_verify_depth: 0 }, [deep]), 'untrusted')
  })

  it('is found in whatever order its authorities come, and past those that lead nowhere', async () => {
    const third = await intermediate.authority('Third')
    const client = await third.issue()
    const stray = await createClientAuthority('Intermediate')
    const twin = await stray.authority('Third', { keys: third.keys })
    const chain = [client, twin, stray, intermediate, third, root]
    assert.equal(reasonOf({ ca, max_verify_depth: 0 }, chain), 'valid')
  })

  it('ends in nothing when it goes round', async () => {
    const keys = await newKeys()
    const one = await createClientAuthority('One', { keys })
    const two = await one.authority('Two')
    const back = await two.authority('One', { keys })
    assert.equal(reasonOf({ ca, max_verify_depth: 0 }, [await one.issue(), back, two, one]), 'untrusted')
  })

  it('keeps to the path length of its authorities', async () => {
    const strict = await createClientAuthority('Strict', { pathLength: 0 })
    const below = await strict.authority('Below')
    const mtls = { ca: strict.cert, max_verify_depth: 0 }
    assert.equal(reasonOf(mtls, [await strict.issue()]), 'valid')
    assert.equal(reasonOf(mtls, [await below.issue(), below]), 'chain-too-long')
  })

  it('is invalid with an authority that has expired, is weak, or is for servers only', async () => {
    const mtls = { ca, max_verify_depth: 0 }
    const expired = await root.authority('Expired', { notAfter: new Date(NOW - 2000) })
    const weak = await root.authority('Weak', { hash: 'SHA-1' })
    const servers = await root.authority('Servers', { purposes: [ExtendedKeyUsage.serverAuth] })
    assert.equal(reasonOf(mtls, [await expired.issue(), expired]), 'expired')
    assert.equal(reasonOf(mtls, [await weak.issue(), weak]), 'weak')
    assert.equal(reasonOf(mtls, [await servers.issue(), servers]), 'wrong-purpose')
  })

  it('of more certificates than anybody has is not looked into', () => {
    assert.equal(reasonOf({ ca }, [leaf, ...Array.from({ length: 10 }, () => root)]), 'chain-too-long')
  })
})

describe('a revocation list', () => {
  const serial = newSerial()

  it('takes back the certificates whose serial numbers it has, and no other', async () => {
    const crl = await root.revocationList([newSerial(), serial])
    assert.equal(reasonOf({ ca, crl }, [await root.issue({ serial })]), 'revoked')
    assert.equal(reasonOf({ ca, crl }, [leaf]), 'valid')
    assert.equal(reasonOf({ ca }, [await root.issue({ serial })]), 'valid')
  })

  it('says nothing any more once its successor is due, so nothing of its authority counts', async () => {
    const nextUpdate = new Date(NOW + 60_000)
    const crl = await root.revocationList([], { nextUpdate })
    assert.equal(reasonOf({ ca, crl }, [leaf]), 'valid')
    const due = Math.floor(nextUpdate.getTime() / 1000) * 1000
    assert.equal(reasonOf({ ca, crl }, [leaf], due - 1), 'valid')
    assert.equal(reasonOf({ ca, crl }, [leaf], due), 'revocation-unknown')
  })

  it('is about one authority alone', async () => {
    const other = await createClientAuthority('Other')
    const crl = await root.revocationList([serial])
    const mtls = { ca: root.cert + other.cert, crl }
    assert.equal(reasonOf(mtls, [await other.issue({ serial })]), 'valid')
  })

  it('of a listed authority in between counts, whichever of its certificates the client shows', async () => {
    const renewed = await root.authority('Intermediate', { keys: intermediate.keys })
    const crl = await intermediate.revocationList([serial])
    const mtls = { ca: root.cert + intermediate.cert, crl, max_verify_depth: 0 }
    const client = await intermediate.issue({ serial })
    assert.equal(reasonOf(mtls, [client, intermediate]), 'revoked')
    assert.equal(reasonOf(mtls, [client, renewed]), 'revoked')
  })

  it('takes back authorities too', async () => {
    const revoked = await root.authority('Revoked', { serial })
    const crl = await root.revocationList([serial])
    const mtls = { ca, crl, max_verify_depth: 0 }
    assert.equal(reasonOf(mtls, [await revoked.issue(), revoked]), 'revoked')
  })
})

describe('match_subject_alt_names', () => {
  const names = [
    { type: 'dns', value: 'ci.example.com' },
    { type: 'email', value: 'alice@example.com' },
    { type: 'url', value: 'spiffe://example.com/ci' },
    { type: 'ip', value: '2001:db8:0:0:0:0:0:1' },
    { type: 'upn', value: 'alice@corp.example.com' },
  ] as const
  const rows: readonly (readonly [object, boolean])[] = [
    [{ dns: String.raw`ci\.example\.com` }, true],
    [{ dns: String.raw`ci\.example` }, false],
    [{ dns: 'x|ci.example' }, false],
    [{ dns: 'alice@example.com' }, false],
    [{ email: '.*@example.com' }, true],
    [{ uri: 'spiffe://example.com/.*' }, true],
    [{ ip_address: '2001:db8::1' }, true],
    [{ user_principal_name: '.*@corp.example.com' }, true],
    [{ user_principal_name: '.*@example.com' }, false],
  ]
  for (const [matcher, isMatched] of rows) {
    it(`${isMatched ? 'takes' : 'refuses'} by ${JSON.stringify(matcher)}`, async () => {
      const named = await root.issue({ names: [...names] })
      const wanted = isMatched ? 'valid' : 'name-not-listed'
      assert.equal(reasonOf({ ca, match_subject_alt_names: [matcher] }, [named]), wanted)
    })
  }

  it('asks for any one of them', async () => {
    const named = await root.issue({ names: [...names] })
    const mtls = { ca, match_subject_alt_names: [{ dns: 'other' }, { email: '.*@example.com' }] }
    assert.equal(reasonOf(mtls, [named]), 'valid')
    assert.equal(reasonOf(mtls, [leaf]), 'name-not-listed')
  })
})

describe('what was judged', () => {
  it('is not judged again while nothing begins or ends', async () => {
    const client = await root.issue({ notAfter: new Date(NOW + DAY_MS) })
    const verifier = verifierOf({ ca })
    const first = verifier.verify(chainOf(client), NOW)
    assert.equal(verifier.verify(chainOf(client), NOW + DAY_MS / 2), first)
    assert.equal(verifier.verify(chainOf(client), NOW + 2 * DAY_MS).reason, 'expired')
    assert.equal(verifier.verify(chainOf(client), NOW - 2 * DAY_MS).reason, 'not-yet-valid')
  })

  it('is forgotten when there is too much of it, bad ones before good ones', () => {
    const verifier = verifierOf({ ca })
    const first = verifier.verify(chainOf(leaf), NOW)
    for (let index = 0; index < 6000; index++) verifier.verify(`x${index}`, NOW)
    assert.equal(verifier.verify(chainOf(leaf), NOW), first)
  })
})
