/**
 * A secret that is made once and kept in a file, for operators who set none.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Fault, systemCodeOf } from '../errors.ts'
import { makeFolder } from '../make-folder.ts'

const SECRET_BYTES = 32

/**
 * @returns base64 of 32 bytes; of several processes that start at once all get the same.
 * @throws {Fault} STATE_UNUSABLE
 */
export function keptSecret(file: string): string {
  try {
    return whole(file, readFileSync(file, 'utf8').trim())
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw unusable(file, error)
  }
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  try {
    makeFolder(dirname(file), 0o700)
    writeFileSync(draft, `${randomBytes(SECRET_BYTES).toString('base64')}\n`, { mode: 0o600 })
    // A link never replaces: whoever comes second finds the first one's secret.
    linkSync(draft, file)
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw unusable(file, error)
  } finally {
    rmSync(draft, { force: true })
  }
  return whole(file, readFileSync(file, 'utf8').trim())
}

function whole(file: string, secret: string): string {
  if (Buffer.from(secret, 'base64').length === SECRET_BYTES) return secret
  throw new Fault(
    'STATE_UNUSABLE',
    `${file}: holds no base64 of ${SECRET_BYTES} bytes; delete it and a new one is made (everybody then signs in again)`,
  )
}

function unusable(file: string, cause: unknown): Fault {
  if (cause instanceof Fault) return cause
  const why = systemCodeOf(cause) ?? String(cause)
  return new Fault('STATE_UNUSABLE', `${file}: the secret kept there can't be read or made (${why})`, {
    cause,
  })
}
