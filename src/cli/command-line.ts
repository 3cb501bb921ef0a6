/**
 * Reads argv by the table of commands, and refuses what the table does not have: commands, options, names and
 * values of choice. What is meant is told, where something is near.
 *
 * @module
 */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { rowOf } from '../config/table-row.ts'
import { nearest } from '../config/values/nearest.ts'
import { Fault, reasonOf } from '../errors.ts'
import type { Command, Commands, OptionSpec, Values } from './command.ts'

/** What is to be done. */
export type Asked =
  /** Of one command, or of all. */
  | { readonly help: string | undefined }
  | {
      readonly command: Command
      readonly values: Values
      readonly names: readonly string[]
    }

const COMMON = { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } } as const
const SEE = '; see sallyport --help'

/** @throws {Fault} USAGE */
export function readCommandLine(
  argv: readonly string[],
  commands: Commands,
  env: Readonly<Record<string, string | undefined>>,
): Asked {
  const { values, positionals } = parse(argv, commands)
  const { version, help, ...options } = values
  const [word = version === true ? 'version' : 'help', ...names] = positionals
  const name = mainName(word, commands)
  if (name === 'help') return { help: knownCommand(names[0], commands) }
  const command = rowOf(commands, name)
  if (command === undefined && help === true) return { help: undefined }
  if (command === undefined) throw unknownCommand(name, commands)
  if (help === true) return { help: name }
  refuseWhatIsNotTaken(name, command, Object.keys(options), names)
  for (const [index, { choices, orAddress = false }] of command.names.entries()) {
    const given = names[index]
    const isOther = orAddress && (given === undefined || given.includes('://'))
    if (choices !== undefined && !isOther) refuseUnlessChosen(name, given, choices)
  }
  return { command, values: chosenValues(command, options, env), names }
}

function knownCommand(word: string | undefined, commands: Commands): string | undefined {
  const name = word === undefined ? undefined : mainName(word, commands)
  if (name !== undefined && rowOf(commands, name) === undefined) throw unknownCommand(name, commands)
  return name
}

const mainName = (word: string, commands: Commands): string =>
  Object.entries(commands).find(([, { also }]) => also === word)?.[0] ?? word

const unknownCommand = (name: string, commands: Commands): Fault =>
  new Fault('USAGE', `unknown command "${name}"${meant(name, Object.keys(commands)) ?? SEE}`)

/** With the options of all commands: which of them this one takes is told better than by the parser. */
function parse(
  argv: readonly string[],
  commands: Commands,
): { readonly values: Values; readonly positionals: readonly string[] } {
  const options: ParseArgsOptionsConfig = { ...COMMON }
  for (const command of Object.values(commands))
    for (const [name, { type, short, multiple }] of Object.entries(command.options))
      options[name] = {
        type,
        ...(short !== undefined && { short }),
        ...(multiple !== undefined && { multiple }),
      }
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true })
  } catch (error) {
    // Node goes on to explain `--`, of which no command here has a use.
    const [what = ''] = reasonOf(error).split('. To specify ')
    const unknown = /^Unknown option '--([^']+)'/.exec(what)?.[1]
    const hint = unknown === undefined ? undefined : meant(unknown, Object.keys(options), '--')
    throw new Fault('USAGE', `${what}${hint ?? SEE}`, { cause: error })
  }
}

function meant(word: string, known: readonly string[], before = ''): string | undefined {
  const near = nearest(word, known)
  return near === undefined ? undefined : `; did you mean "${before}${near}"?`
}

function refuseWhatIsNotTaken(
  name: string,
  { names: taken, options }: Command,
  given: readonly string[],
  names: readonly string[],
): void {
  const stray = given.find((option) => rowOf(options, option) === undefined)
  if (stray !== undefined) throw new Fault('USAGE', `${name} has no --${stray}${SEE}`)
  const extra = names[taken.length]
  if (extra === undefined) return
  const instead = name === 'serve' ? `; name a configuration file with --config ${extra}` : ''
  throw new Fault('USAGE', `${name} does not take "${extra}"${instead || SEE}`)
}

/** The values given, with those of environment variables where an option may be set by one. */
function chosenValues(
  { options }: Command,
  given: Values,
  env: Readonly<Record<string, string | undefined>>,
): Values {
  const values: Record<string, unknown> = { ...given }
  for (const [name, option] of Object.entries(options)) {
    const isGiven = values[name] !== undefined
    const value = values[name] ?? (option.variable === undefined ? undefined : env[option.variable])
    if (typeof value !== 'string' || option.choices === undefined) continue
    const words = option.isList === true ? value.split(',').map((word) => word.trim()) : [value]
    for (const word of words) refuseUnlessChosen(setBy(name, option, isGiven), word, option.choices)
    values[name] = option.isList === true ? words : value
  }
  return values
}

const setBy = (name: string, { variable }: OptionSpec, isGiven: boolean): string =>
  isGiven ? `--${name}` : (variable ?? '')

function refuseUnlessChosen(what: string, word: string | undefined, choices: readonly string[]): void {
  if (word !== undefined && choices.includes(word)) return
  const instead = word === undefined ? '' : `, not "${word}"${meant(word, choices) ?? ''}`
  throw new Fault('USAGE', `${what} takes ${anyOf(choices)}${instead}`)
}

const anyOf = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
