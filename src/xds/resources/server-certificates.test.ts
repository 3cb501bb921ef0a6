import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Config } from '../../config/config.ts'
import { parseConfig } from '../../config/parse.ts'
import { type LocalCa, openLocalCa } from '../../crypto/x509/local-ca.ts'
import { certificatesFor } from './server-certificates.ts'

const configOf = (hosts: readonly string[], settings: object = {}): Config => {
  const routes = hosts.map((host) => ({ from: `https://${host}`, to: 'http://127.0.0.1:1' }))
  const parsed = parseConfig(JSON.stringify({ ...settings, routes }))
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return parsed.config
}
const namesOf = (pem: string | undefined): string[] =>
  (new X509Certificate(pem ?? '').subjectAltName ?? '').split(', ').map((name) => name.replace('DNS:', ''))

describe('the certificates that Envoy serves', () => {
  let directory: string
  let ca: LocalCa
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'certificates-'))
    ca = await openLocalCa(directory)
  })
  after(() => rm(directory, { recursive: true }))

  it('come from the local CA for hosts that the operator has none for', async () => {
    const certificates = await certificatesFor(configOf(['a.example.com', 'b.example.com']), ca)
    assert.equal(certificates.length, 1)
    assert.deepEqual(namesOf(certificates[0]?.cert).toSorted(), ['a.example.com', 'b.example.com'])
  })

  it('name each host under .localhost beside the wildcard, which Chromium takes from nobody', async () => {
    const [certificate] = await certificatesFor(configOf(['app.localhost']), ca)
    assert.deepEqual(namesOf(certificate?.cert).toSorted(), ['*.localhost', 'app.localhost'])
  })

  it("are the operator's alone when they speak for every host", async () => {
    const { cert, key } = await ca.issue(['*.example.com'])
    const config = configOf(['a.example.com', '*.example.com'], { certificates: [{ cert, key }] })
    assert.deepEqual(
      (await certificatesFor(config, ca)).map((each) => each.cert),
      [cert],
    )
  })

  it("add the local CA's for the hosts that the operator's leave out", async () => {
    const { cert, key } = await ca.issue(['*.example.com'])
    const config = configOf(['a.example.com', 'wiki.example.org', 'mid*dle.example.net'], {
      certificates: [{ cert, key }],
    })
    const certificates = await certificatesFor(config, ca)
    assert.equal(certificates[0]?.cert, cert)
    assert.deepEqual(namesOf(certificates[1]?.cert), ['wiki.example.org'])
  })

  it('stay as they are when one of many hosts under a domain is added', async () => {
    const hosts = Array.from({ length: 3000 }, (_, index) => `h${index}.apps.example.com`)
    const first = await certificatesFor(configOf([...hosts, 'apps.example.org']), ca)
    const second = await certificatesFor(
      configOf([...hosts, 'one-more.apps.example.com', 'apps.example.org']),
      ca,
    )
    assert.deepEqual(namesOf(first[0]?.cert).toSorted(), ['*.apps.example.com', 'apps.example.org'])
    assert.deepEqual(second, first)
  })

  it('are short ones for many hosts that share no domain, and a new host changes one of them', async () => {
    const hosts = Array.from({ length: 600 }, (_, index) => `app.n${index}.example.com`)
    const first = await certificatesFor(configOf(hosts), ca)
    const second = await certificatesFor(configOf([...hosts, 'app.one-more.example.com']), ca)
    assert.deepEqual(first.flatMap(({ cert }) => namesOf(cert)).toSorted(), hosts.toSorted())
    for (const { cert } of first) assert.ok(cert.length < 8000, `${cert.length} characters`)
    const known = new Set(first.map(({ cert }) => cert))
    assert.equal(second.filter(({ cert }) => !known.has(cert)).length, 1)
  })

  it('leave hosts directly under a top-level domain as they are', async () => {
    const hosts = Array.from({ length: 30 }, (_, index) => `h${index}.localhost`)
    const [certificate] = await certificatesFor(configOf(hosts), ca)
    assert.deepEqual(namesOf(certificate?.cert).toSorted(), ['*.localhost', ...hosts].toSorted())
  })
})
