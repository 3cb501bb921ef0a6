/**
 * A certificate authority of one's own machine, so that the demo and a first set-up speak real TLS.
 *
 * Its key never leaves its folder; who wants a browser without warnings trusts `certificateFile`.
 * Certificates are made by local-certificates.ts; this module keeps them on disk.
 *
 * @module
 */
import { createHash, createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { chmod, link, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, reasonOf, systemCodeOf } from '../../errors.ts'
import { makeFolder } from '../../make-folder.ts'

export interface LocalCa {
  readonly certificatePem: string
  /** What a user agent has to trust. */
  readonly certificateFile: string
  /**
   * A server certificate for DNS names (wildcards too) and IP addresses: the one on disk while it is good for
   * another 30 days.
   *
   * Chromium takes no wildcard directly under a top-level name: give `app.localhost` beside `*.localhost`.
   */
  issue(names: readonly string[]): Promise<ServerCertificate>
}

interface ServerCertificate {
  readonly cert: string
  readonly key: string
  /** Epoch milliseconds. */
  readonly notAfter: number
}

export interface LocalCaOptions {
  /** Domains under which alone the CA is believed (RFC 5280 4.2.1.10), if it is made now. */
  readonly constrainedTo?: readonly string[]
  readonly now?: () => number
}

/** A certificate with its key, in one file so that the two can't come apart. */
interface KeyedCertificate {
  readonly cert: string
  readonly key: string
}

const CA_FILE = 'local-ca.key.pem'
const CA_CERTIFICATE_FILE = 'local-ca.pem'
const DAY_MS = 86_400_000
const RENEW_BEFORE_MS = 30 * DAY_MS

/**
 * Opens the CA in `dir`, or makes one there. Several processes may do so at once: they get the same one.
 *
 * @throws {Fault} STATE_UNUSABLE
 */
export async function openLocalCa(
  dir: string,
  { constrainedTo = [], now = Date.now }: LocalCaOptions = {},
): Promise<LocalCa> {
  const ca = await unusableIfFails(dir, () => readOrMakeCa(dir, constrainedTo, now()))
  const certificateFile = join(dir, CA_CERTIFICATE_FILE)
  if ((await readIfThere(certificateFile)) !== ca.cert) await replaceFile(certificateFile, ca.cert, 0o644)

  return {
    certificatePem: ca.cert,
    certificateFile,
    async issue(names) {
      const wanted = [...new Set(names.map((name) => name.toLowerCase()))].toSorted()
      const digest = createHash('sha256').update(wanted.join('\n')).digest('hex').slice(0, 16)
      const file = join(dir, `server-${digest}.key.pem`)
      const kept = parseKeyed((await readIfThere(file)) ?? '')
      if (kept !== undefined && isGood(kept, ca, now())) return withExpiry(kept)
      const { makeServerCertificate } = await certificateMaker()
      const made = await makeServerCertificate({ ca, names: wanted, now: now() })
      await replaceFile(file, made.key + made.cert, 0o600)
      await removeExpired(dir, now())
      return withExpiry(made)
    },
  }
}

/** Loaded when there is one to be made: its library takes long, and most starts need none. */
const certificateMaker = async () => await import('./local-certificates.ts')

async function readOrMakeCa(
  dir: string,
  constrainedTo: readonly string[],
  now: number,
): Promise<KeyedCertificate> {
  makeFolder(dir, 0o700)
  const file = join(dir, CA_FILE)
  let text = await readIfThere(file)
  if (text === undefined) {
    const { makeCaCertificate } = await certificateMaker()
    const made = await makeCaCertificate({ constrainedTo, now })
    await createFile(file, made.key + made.cert)
    // Another process may have been first: what lies there now is the CA.
    text = await readFile(file, 'utf8')
  }
  await chmod(file, 0o600)
  const ca = parseKeyed(text)
  if (ca === undefined)
    throw new Fault('STATE_UNUSABLE', `${file} is damaged: delete it, and a new CA is made`)
  if (Date.parse(new X509Certificate(ca.cert).validTo) < now)
    throw new Fault('STATE_UNUSABLE', `the CA in ${file} has expired: delete it, and a new one is made`)
  return ca
}

function parseKeyed(text: string): KeyedCertificate | undefined {
  const key = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/.exec(text)?.[0]
  const cert = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(text)?.[0]
  if (key === undefined || cert === undefined) return undefined
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) ? { cert, key } : undefined
  } catch {
    return undefined
  }
}

function isGood({ cert }: KeyedCertificate, ca: KeyedCertificate, now: number): boolean {
  const certificate = new X509Certificate(cert)
  const { publicKey } = new X509Certificate(ca.cert)
  const isCurrent =
    Date.parse(certificate.validFrom) <= now && Date.parse(certificate.validTo) > now + RENEW_BEFORE_MS
  return isCurrent && certificate.verify(publicKey)
}

function withExpiry({ cert, key }: KeyedCertificate): ServerCertificate {
  return { cert, key, notAfter: Date.parse(new X509Certificate(cert).validTo) }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Writes a file whole or not at all, and leaves it alone when there is one already. */
async function createFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, text, { mode: 0o600, flush: true })
  try {
    await link(draft, file)
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error
  } finally {
    await rm(draft)
  }
}

async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, text, { mode })
  await rename(draft, file)
}

/** Each set of names has a file; the sets of long ago would heap up. */
async function removeExpired(dir: string, now: number): Promise<void> {
  const files = (await readdir(dir))
    .filter((name) => /^server-.*\.pem$/.test(name))
    .map((name) => join(dir, name))
  for (const file of files)
    if ((await stat(file)).mtimeMs < now - 400 * DAY_MS) await rm(file, { force: true })
}

async function unusableIfFails<T>(dir: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault('STATE_UNUSABLE', `the local CA in ${dir} can't be opened: ${reasonOf(cause)}`, { cause })
  }
}
