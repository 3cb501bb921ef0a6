/**
 * What must hold between the sources of `directory`.
 *
 * @module
 */

import type { Mistake } from '../../config.ts'
import { mistake } from '../rule.ts'
import type { SettingsKeys } from '../settings-schema.ts'
import type { DirectorySourceKeys } from './directory-schema.ts'

export const FILE_FORMATS = { '.yaml': 'yaml', '.yml': 'yaml', '.json': 'json', '.csv': 'csv' } as const

/** By the end of its name; `undefined` when that says nothing. */
export function formatOf(path: string): 'yaml' | 'json' | 'csv' | undefined {
  const ending = /\.[^./]+$/.exec(path.toLowerCase())?.[0] ?? ''
  return Object.entries(FILE_FORMATS).find(([known]) => known === ending)?.[1]
}

export function directoryMistakes({ directory }: SettingsKeys): Mistake[] {
  return directory.flatMap((source, index) => {
    const at = ['directory', index] as const
    const first = directory.findIndex(({ name }) => name === source.name)
    return [
      ...(first < index ? [mistake([...at, 'name'], `is also the name of directory[${first}]`)] : []),
      ...ownMistakes(source).map(([key, message]) => mistake([...at, key], message)),
    ]
  })
}

function ownMistakes(source: DirectorySourceKeys): readonly (readonly [key: string, message: string])[] {
  switch (source.type) {
    case 'file':
      return source.format === undefined && formatOf(source.path) === undefined
        ? [['path', 'does not end in .yaml, .json or .csv; say which with `format`']]
        : []
    case 'scim':
    case 'okta':
    case 'gitlab':
    case 'github':
      return needsOne(source, 'token')
    case 'azure':
      return needsOne(source, 'client_secret')
    case 'google':
      return needsOne(source, 'service_account')
  }
}

function needsOne(
  source: DirectorySourceKeys,
  key: string,
): readonly (readonly [key: string, message: string])[] {
  const isGiven = Object.entries(source).some(
    ([name, value]) => name.replace(/_file$/, '') === key && value !== undefined,
  )
  return isGiven ? [] : [['type', `needs \`${key}\` or \`${key}_file\` beside it`]]
}
