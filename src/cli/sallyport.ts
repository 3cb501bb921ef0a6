#!/usr/bin/env node
/**
 * The command line: argv → one command of the table. Faults are printed as sentences; anything else is a bug
 * with its stack.
 *
 * @module
 */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { rowOf } from '../config/table-row.ts'
import { nearest } from '../config/values/nearest.ts'
import { Fault, reasonOf } from '../errors.ts'
import type { Command, Values } from './command.ts'
import { COMMANDS } from './commands.ts'
import { usage, usageOf } from './usage.ts'

const COMMON = { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } } as const

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parse(argv)
  const [name = values['version'] === true ? 'version' : 'help', ...names] = positionals
  const found = rowOf(COMMANDS, name)
  if (name === 'help' || (values['help'] === true && found === undefined)) return help(names[0])
  if (found === undefined)
    throw new Fault('USAGE', `unknown command "${name}"${meant(name, Object.keys(COMMANDS))}`)
  if (values['help'] === true) return help(name)
  const { version: _told, help: _asked, ...given } = values
  refuseWhatIsNotTaken(name, found, Object.keys(given), names)
  return await found.run(given, names, COMMANDS)
}

function help(name: string | undefined): number {
  const known = name === undefined ? undefined : rowOf(COMMANDS, name)
  if (name !== undefined && known === undefined)
    throw new Fault('USAGE', `unknown command "${name}"${meant(name, Object.keys(COMMANDS))}`)
  process.stdout.write(name === undefined || known === undefined ? usage(COMMANDS) : usageOf(name, known))
  return 0
}

/** With the options of all commands: which of them this one takes is told better than by the parser. */
function parse(argv: readonly string[]): {
  readonly values: Values
  readonly positionals: readonly string[]
} {
  const options: ParseArgsOptionsConfig = { ...COMMON }
  for (const command of Object.values(COMMANDS))
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
    const hint = unknown === undefined ? SEE : meant(unknown, Object.keys(options), '--')
    throw new Fault('USAGE', `${what}${hint}`, { cause: error })
  }
}

const SEE = '; see sallyport --help'

function meant(word: string, known: readonly string[], before = ''): string {
  const near = nearest(word, known)
  return near === undefined ? SEE : `; did you mean "${before}${near}"?`
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

async function main(): Promise<void> {
  try {
    process.exitCode = await run(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    process.stderr.write(`sallyport: ${error.message}\n`)
    process.exitCode = error.code === 'USAGE' ? 2 : 1
  }
}

// Not awaited here: the single file is made of CommonJS, which has no await outside of functions.
void main()
