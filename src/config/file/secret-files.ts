/**
 * Warns of secret files that others on this machine could read or replace.
 *
 * @module
 */

import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../config.ts'
import { Secret } from '../values/secret.ts'

const OTHERS_WRITE = 0o022
const OTHERS_READ = 0o004
/** In a folder with it, as `/tmp` is one, nobody may replace the files of others. */
const STICKY = 0o1000

/** @param contents of the files that the configuration refers to, by path */
export function looseSecretFiles(config: Config, contents: ReadonlyMap<string, string>): readonly string[] {
  if (contents.size === 0) return []
  const secrets = new Set<string>()
  collect(config, secrets)
  const warnings = [...contents].flatMap(([path, content]) =>
    content.includes('PRIVATE KEY') || secrets.has(withoutSpace(content)) ? warningsOf(path) : [],
  )
  return [...new Set(warnings)]
}

function warningsOf(path: string): readonly string[] {
  const folder = dirname(path)
  const file = modeOf(path)
  const around = modeOf(folder)
  const isReplaceable = (around & OTHERS_WRITE) !== 0 && (around & STICKY) === 0
  return [
    ...(file & (OTHERS_WRITE | OTHERS_READ)
      ? [
          `the secret file ${path} can be ${file & OTHERS_WRITE ? 'written' : 'read'} by others on this machine: ` +
            `chmod ${file & OTHERS_WRITE ? 'go-w,o-r' : 'o-r'} ${path}`,
        ]
      : []),
    ...(isReplaceable
      ? [
          `the folder ${folder} of a secret file can be written by others on this machine: chmod go-w ${folder}`,
        ]
      : []),
  ]
}

/** 0 of what can't be seen: that is told elsewhere. */
function modeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mode ?? 0
}

const withoutSpace = (text: string): string => text.replace(/\s+/g, '')

function collect(value: unknown, secrets: Set<string>): void {
  if (value instanceof Secret) secrets.add(withoutSpace(value.reveal()))
  else if (typeof value === 'object' && value !== null)
    for (const held of Object.values(value)) collect(held, secrets)
}
