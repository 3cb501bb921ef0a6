/**
 * Warns of secret files that others on this machine could read or replace.
 *
 * @module
 */

import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config, Route } from '../config.ts'
import { firstOf } from '../routing/moved-route.ts'
import { Secret } from '../values/secret.ts'

const OTHERS_WRITE = 0o022
const OTHERS_READ = 0o004
/** In a folder with it, as `/tmp` is one, nobody may replace the files of others. */
const STICKY = 0o1000

/** @param contents of the files that the configuration refers to, by path */
export function looseSecretFiles(config: Config, contents: ReadonlyMap<string, string>): readonly string[] {
  if (contents.size === 0) return []
  const secrets = new Set<string>()
  collect(config.settings, secrets)
  for (const route of config.routes) {
    if (withoutSecrets.has(firstOf(route))) continue
    if (!collect(route, secrets)) withoutSecrets.add(firstOf(route))
  }
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

/** Most routes, and most of them stay the same from one edit to the next. */
const withoutSecrets = new WeakSet<Route>()

/** @returns whether there were any */
function collect(value: unknown, secrets: Set<string>): boolean {
  if (value instanceof Secret) {
    secrets.add(withoutSpace(value.reveal()))
    return true
  }
  if (typeof value !== 'object' || value === null) return false
  let isFound = false
  for (const held of Object.values(value)) isFound = collect(held, secrets) || isFound
  return isFound
}
