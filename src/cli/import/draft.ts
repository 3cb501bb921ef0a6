/**
 * What an import comes to: keys and routes of ours, and what a person must know of each.
 *
 * @module
 */
import { stringify } from 'yaml'

export interface SourceFile {
  readonly file: string
  readonly text: string
}

/** Something of the other program's configuration that is not the same here. */
export interface Remark {
  /** Name of the key in the other program's words. */
  readonly key: string
  readonly file: string
  /** Unset where the place is not known. */
  readonly line?: number | undefined
  readonly text: string
}

interface Noted {
  readonly notes: readonly string[]
}

export interface DraftSetting extends Noted {
  readonly key: string
  readonly value: unknown
}

export interface DraftRoute extends Noted {
  readonly value: Readonly<Record<string, unknown>>
}

export interface Draft {
  readonly settings: readonly DraftSetting[]
  readonly routes: readonly DraftRoute[]
  readonly remarks: readonly Remark[]
}

/** What only a person can fill in: a configuration with it is refused. */
export const FILL_IN = 'FILL-IN'

/** An upstream that nobody has: RFC 6761 section 6.4. */
export const UNKNOWN_UPSTREAM = 'http://fill-in.invalid'

/** Collects remarks, and says them beside what they are about. */
export class Remarks {
  readonly all: Remark[] = []
  readonly #file: string
  readonly #lineOf: (key: string) => number | undefined

  constructor(file: string, lineOf: (key: string) => number | undefined) {
    this.#file = file
    this.#lineOf = lineOf
  }

  /** @returns the text, for the comment beside what was made of the key */
  add(key: string, text: string, line = this.#lineOf(key)): string {
    const isKnown = this.all.some(
      (remark) => remark.key === key && remark.text === text && remark.line === line,
    )
    if (!isKnown) this.all.push({ key, file: this.#file, line, text })
    return `${key}: ${text}`
  }
}

export function remarkLine({ key, file, line, text }: Remark): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${key}: ${text}`
}

const WIDTH = 100

function comment(text: string, indent = ''): string {
  const lines: string[] = []
  let line = ''
  // One line of a comment never ends it: what follows would be a key.
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + word.length >= WIDTH) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((each) => `${indent}# ${each}\n`).join('')
}

const yaml = (value: unknown): string => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ')

/** A configuration file, with the notes as comments where they belong. */
export function writeDraft({ settings, routes, remarks }: Draft, origin: string): string {
  return [
    comment(`Made from ${origin} by "sallyport import". Run "sallyport validate" on it.`),
    remarks.length === 0
      ? ''
      : `${comment('What is not the same here:')}${remarks.map((each) => comment(`- ${remarkLine(each)}`)).join('')}`,
    '\n',
    ...settings.map(
      ({ key, value, notes }) => `${notes.map((note) => comment(note)).join('')}${yaml({ [key]: value })}`,
    ),
    routes.length === 0 ? 'routes: []\n' : '\nroutes:\n',
    ...routes.map(
      ({ value, notes }) => `${notes.map((note) => comment(note, '  ')).join('')}${indented(yaml([value]))}`,
    ),
  ].join('')
}
