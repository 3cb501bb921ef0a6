/**
 * Reads the values that keys give or refer to, and collects what is wrong with them.
 *
 * @module
 */

import {
  parseCertificates,
  parsePrivateKey,
  pemOf,
  signingKeyProblem,
  tlsKeyProblem,
} from '../crypto/x509/certificate.ts'
import type { ConfigPath, Mistake } from './mistake.ts'
import type { Reader, Reference } from './values/reference.ts'
import { Secret } from './values/secret.ts'

export interface TlsCertificate {
  /** PEM, leaf first. */
  readonly cert: string
  /** PEM. */
  readonly key: Secret
}

/** Keys of which one has a twin `…_file`. */
type Twins<Name extends string> = { readonly [Key in Name | `${Name}_file`]?: Reference | undefined }

/** In the place of a secret that could not be read, and need not be. */
const WITHHELD = 'withheld'

/** A value that was read, and the key that gave it. */
export interface Found {
  readonly text: string
  readonly path: ConfigPath
}

/** Reads values and collects what goes wrong, so that one mistake does not hide the next. */
export class Resolver {
  readonly mistakes: Mistake[] = []
  /** Whether a value stands in another file or in the environment. */
  hasLookedElsewhere = false
  readonly #reader: Reader

  constructor(reader: Reader) {
    this.#reader = reader
  }

  fail(path: ConfigPath, message: string): undefined {
    this.mistakes.push({ path, message })
    return undefined
  }

  /** The value of a key or of its `…_file` twin; both stand at `at`. */
  either<Name extends string>(keys: Twins<Name>, name: Name, at: ConfigPath = []): Found | undefined {
    const plain = keys[name]
    const file = keys[`${name}_file`]
    if (plain !== undefined && file !== undefined)
      return this.fail([...at, `${name}_file`], `cannot stand beside \`${name}\`; give one of them`)
    if (plain !== undefined) return this.read(plain, [...at, name])
    return file === undefined ? undefined : this.read(file, [...at, `${name}_file`])
  }

  secret<Name extends string>(keys: Twins<Name>, name: Name, at: ConfigPath = []): Secret | undefined {
    const found = this.either(keys, name, at)
    if (found !== undefined) return Secret.of(found.text)
    const isGiven = keys[name] !== undefined || keys[`${name}_file`] !== undefined
    return isGiven && this.#reader.withoutSecrets ? Secret.of(WITHHELD) : undefined
  }

  read(reference: Reference, path: ConfigPath): Found | undefined {
    this.hasLookedElsewhere ||= reference.kind !== 'literal'
    const read = this.#reader.read(reference)
    if ('value' in read) return { text: read.value, path }
    const isPassedOver = this.#reader.withoutSecrets && reference.kind !== 'literal'
    return isPassedOver ? undefined : this.fail(path, read.wrong)
  }

  /** PEM of at least one readable certificate. */
  certificates(found: Found | undefined): string | undefined {
    if (found === undefined) return undefined
    const parsed = parseCertificates(found.text)
    return 'value' in parsed ? parsed.value.pem : this.fail(found.path, parsed.wrong)
  }

  /** A certificate with the key that belongs to it. */
  pair(cert: Found | undefined, key: Found | undefined): TlsCertificate | undefined {
    const certificate = cert === undefined ? undefined : parseCertificates(cert.text)
    const privateKey = key === undefined ? undefined : parsePrivateKey(key.text)
    if (cert !== undefined && certificate !== undefined && 'wrong' in certificate)
      this.fail(cert.path, certificate.wrong)
    if (key !== undefined && privateKey !== undefined && 'wrong' in privateKey)
      this.fail(key.path, privateKey.wrong)
    if (certificate === undefined || privateKey === undefined || key === undefined) return undefined
    if ('wrong' in certificate || 'wrong' in privateKey) return undefined
    const weak = tlsKeyProblem(privateKey.value.key)
    if (weak !== undefined) return this.fail(key.path, weak)
    if (certificate.value.chain[0]?.checkPrivateKey(privateKey.value.key) !== true) {
      return this.fail(key.path, 'is not the key of the certificate beside it')
    }
    return { cert: certificate.value.pem, key: Secret.of(privateKey.value.pem) }
  }

  /** 32 bytes in base64, either alphabet. */
  secretOf32Bytes(found: Found | undefined): Secret | undefined {
    if (found === undefined) return undefined
    const text = found.text.trim()
    const bytes = /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64').length : -1
    if (bytes === 32) return Secret.of(text)
    return this.fail(
      found.path,
      `must be 32 bytes in base64${bytes < 0 ? '' : `, but has ${bytes} bytes`}; make one with \`head -c32 /dev/urandom | base64\``,
    )
  }

  signingKey(found: Found | undefined): Secret | undefined {
    if (found === undefined) return undefined
    const wrong = signingKeyProblem(found.text)
    return wrong === undefined ? Secret.of(pemOf(found.text) ?? '') : this.fail(found.path, wrong)
  }
}
