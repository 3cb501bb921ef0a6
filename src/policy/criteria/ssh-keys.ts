/**
 * Public keys of SSH as policies list them: lines as in an `authorized_keys` file.
 *
 * @module
 */

import { readSshKey, SSH_KEY_TYPES, type SshKey } from '../../crypto/openssh/ssh-wire.ts'
import type { Path, Report } from '../problem.ts'

/** Keys by their blobs in base64. */
export type SshKeys = ReadonlyMap<string, SshKey>

/**
 * One text, of several lines perhaps, or a list of them. `undefined` when something is wrong, which was
 * reported.
 */
export function readSshKeys(data: unknown, at: Path, report: Report): SshKeys | undefined {
  const isList = Array.isArray(data)
  const keys = new Map<string, SshKey>()
  let isGood = true
  for (const [index, text] of (isList ? data : [data]).entries()) {
    const where = isList ? [...at, index] : at
    const lines = typeof text === 'string' ? linesOf(text) : []
    if (lines.length === 0) {
      isGood = false
      report(where, 'must be a public key as in authorized_keys, such as "ssh-ed25519 AAAA…"')
    }
    for (const line of lines) {
      const read = readLine(line)
      if ('wrong' in read) {
        isGood = false
        report(where, read.wrong)
      } else keys.set(read.blob, read.key)
    }
  }
  if (isList && data.length === 0) report(at, 'is an empty list, which no key is in')
  return isGood && keys.size > 0 ? keys : undefined
}

function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

type Read = { readonly blob: string; readonly key: SshKey } | { readonly wrong: string }

function readLine(line: string): Read {
  const [type = '', base64 = ''] = line.split(/\s+/)
  if (/PRIVATE KEY/.test(line)) return { wrong: 'is a private key; only the public one belongs here' }
  if (!/^(?:sk-)?(?:ssh|ecdsa)-[\w@.-]+$/.test(type))
    return { wrong: 'must begin with the type of the key; options before it have no meaning here' }
  if (/-cert-v\d+@/.test(type))
    return { wrong: 'is a certificate; list the key of its authority under ssh_ca' }
  if (!SSH_KEY_TYPES.includes(type)) return { wrong: `keys of type ${type} are not supported` }
  const blob = Buffer.from(base64, 'base64')
  if (blob.length === 0 || blob.toString('base64').replace(/=+$/, '') !== base64.replace(/=+$/, ''))
    return { wrong: 'holds a key that is not base64' }
  try {
    const key = readSshKey(blob)
    return key.type === type
      ? { blob: blob.toString('base64'), key }
      : { wrong: `says ${type} and holds a key of type ${key.type}` }
  } catch {
    return { wrong: 'is not a whole key' }
  }
}
