#!/usr/bin/env node
/**
 * The command line: argv → one command of the table. Faults are printed as sentences; anything else is a bug
 * with its stack.
 *
 * @module
 */
import { rowOf } from '../config/table-row.ts'
import { Fault } from '../errors.ts'
import { readCommandLine } from './command-line.ts'
import { COMMANDS } from './commands.ts'
import { usage, usageOf } from './usage.ts'

async function run(argv: readonly string[]): Promise<number> {
  const asked = readCommandLine(argv, COMMANDS, process.env)
  if ('command' in asked) return await asked.command.run(asked.values, asked.names, COMMANDS)
  const known = asked.help === undefined ? undefined : rowOf(COMMANDS, asked.help)
  const isOfAll = asked.help === undefined || known === undefined
  process.stdout.write(isOfAll ? usage(COMMANDS) : usageOf(asked.help, known))
  return 0
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
