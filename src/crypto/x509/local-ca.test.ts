import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import tls from 'node:tls'
import { Fault } from '../../errors.ts'
import { openLocalCa } from './local-ca.ts'

const DAY = 86_400_000
const NAMES = ['*.localhost', 'app.localhost', 'localhost', '127.0.0.1']

function tempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-ca-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return join(dir, 'ca')
}

function opensslVerify(caFile: string, leafPem: string, dir: string, host: string): string {
  const leafFile = join(dir, 'leaf-under-test.pem')
  writeFileSync(leafFile, leafPem)
  const args = [
    'verify',
    '-x509_strict',
    '-purpose',
    'sslserver',
    '-verify_hostname',
    host,
    '-CAfile',
    caFile,
    leafFile,
  ]
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' })
}

describe('the local CA', () => {
  it('issues what openssl verifies strictly, for each of its names', async (t) => {
    const dir = tempDir(t)
    const ca = await openLocalCa(dir)
    const { cert } = await ca.issue(NAMES)
    for (const host of ['app.localhost', 'localhost'])
      assert.match(opensslVerify(ca.certificateFile, cert, dir, host), /: OK/)
    assert.throws(() => opensslVerify(ca.certificateFile, cert, dir, 'app.example.com'))
    assert.ok(new X509Certificate(cert).checkIP('127.0.0.1'))
    assert.match(new X509Certificate(cert).subjectAltName ?? '', /DNS:\*\.localhost/)
  })
  it('issues what node:tls accepts in a handshake', async (t) => {
    const ca = await openLocalCa(tempDir(t))
    const { cert, key } = await ca.issue(NAMES)
    const server = tls.createServer({ cert, key }, (socket) => socket.end())
    t.after(() => server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    const socket = tls.connect({
      port: address.port,
      host: '127.0.0.1',
      servername: 'app.localhost',
      ca: ca.certificatePem,
    })
    t.after(() => socket.destroy())
    await once(socket, 'secureConnect')
    assert.ok(socket.authorized)
  })
  it('makes server certificates for no more than 397 days, valid already for a clock that is behind', async (t) => {
    const now = Date.now()
    const { cert, notAfter } = await (await openLocalCa(tempDir(t), { now: () => now })).issue(NAMES)
    const certificate = new X509Certificate(cert)
    assert.ok(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom) < 397 * DAY)
    assert.ok(Date.parse(certificate.validFrom) <= now - 3_590_000)
    assert.equal(Date.parse(certificate.validTo), notAfter)
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
    assert.equal(certificate.ca, false)
  })
  it('keeps its keys to the user alone', async (t) => {
    const dir = tempDir(t)
    await (await openLocalCa(dir)).issue(NAMES)
    for (const name of readdirSync(dir).filter((file) => file.includes('.key.')))
      assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name)
    assert.equal(statSync(dir).mode & 0o777, 0o700)
  })
  it("keeps its own and its servers' certificates between runs, in whatever order the names come", async (t) => {
    const dir = tempDir(t)
    const first = await openLocalCa(dir)
    const issued = await first.issue(NAMES)
    const again = await openLocalCa(dir)
    assert.equal(again.certificatePem, first.certificatePem)
    assert.deepEqual(await again.issue(NAMES.toReversed()), issued)
  })
  it('issues anew when the names change, when expiry is near, and when the file is damaged', async (t) => {
    const dir = tempDir(t)
    let now = Date.now()
    const ca = await openLocalCa(dir, { now: () => now })
    const issued = await ca.issue(NAMES)
    assert.notEqual((await ca.issue([...NAMES, 'new.localhost'])).cert, issued.cert)
    now += 360 * DAY
    assert.equal((await ca.issue(NAMES)).cert, issued.cert)
    now += 10 * DAY
    const renewed = await ca.issue(NAMES)
    assert.ok(renewed.notAfter > issued.notAfter + 300 * DAY)
    for (const name of readdirSync(dir).filter((file) => file.startsWith('server-')))
      writeFileSync(join(dir, name), readFileSync(join(dir, name), 'utf8').slice(0, 300))
    assert.notEqual((await ca.issue(NAMES)).cert, renewed.cert)
  })
  it('is one and the same for several that open it at once', async (t) => {
    const dir = tempDir(t)
    const opened = await Promise.all(Array.from({ length: 8 }, () => openLocalCa(dir)))
    assert.equal(new Set(opened.map((ca) => ca.certificatePem)).size, 1)
    const issued = await Promise.all(opened.map((ca) => ca.issue(NAMES)))
    for (const { cert } of issued)
      assert.match(opensslVerify(opened[0]?.certificateFile ?? '', cert, dir, 'localhost'), /OK/)
    assert.deepEqual(
      readdirSync(dir).filter((name) => !name.endsWith('.pem')),
      [],
    )
  })
  it('speaks only for the domains it was made for, when it was told some', async (t) => {
    const dir = tempDir(t)
    const ca = await openLocalCa(dir, { constrainedTo: ['localhost'] })
    const inside = await ca.issue(['*.localhost', 'app.localhost'])
    assert.match(opensslVerify(ca.certificateFile, inside.cert, dir, 'app.localhost'), /OK/)
    const outside = await ca.issue(['bank.example.com'])
    assert.throws(
      () => opensslVerify(ca.certificateFile, outside.cert, dir, 'bank.example.com'),
      /permitted subtree/,
    )
  })
  it('says what to do when its file is damaged or has expired', async (t) => {
    const dir = tempDir(t)
    await openLocalCa(dir)
    const later = Date.now() + 3700 * DAY
    await assert.rejects(openLocalCa(dir, { now: () => later }), isUnusable(/expired: delete it/))
    writeFileSync(join(dir, 'local-ca.key.pem'), 'garbage')
    await assert.rejects(openLocalCa(dir), isUnusable(/damaged: delete it/))
  })
  it('says where it failed when its folder can not be made', async (t) => {
    const dir = tempDir(t)
    writeFileSync(dir, 'a file')
    await assert.rejects(openLocalCa(dir), isUnusable(/can't be opened/))
  })
})

function isUnusable(message: RegExp) {
  return (error: unknown) =>
    error instanceof Fault && error.code === 'STATE_UNUSABLE' && message.test(error.message)
}
