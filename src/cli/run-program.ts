/**
 * The command line: argv → one command of the table. Faults are printed as sentences; anything else is a bug
 * with its stack.
 *
 * @module
 */
import { rowOf } from '../config/table-row.ts'
import { Fault, type FaultCode } from '../errors.ts'
import { type CommandGroup, commandsOf } from './command.ts'
import { readCommandLine } from './command-line.ts'
import { usage, usageOf } from './usage.ts'

export interface Program {
  /** What it is, in a line. */
  readonly about: string
  readonly groups: readonly CommandGroup[]
}

/** All others are 1. Scripts go by them. */
const EXIT_CODES: Partial<Record<FaultCode, number>> = {
  USAGE: 2,
  LOGIN_FAILED: 3,
  SERVER_UNREACHABLE: 4,
  SERVER_UNTRUSTED: 4,
}

async function run({ about, groups }: Program, argv: readonly string[]): Promise<number> {
  const commands = commandsOf(groups)
  const asked = readCommandLine(argv, commands, process.env)
  if ('command' in asked) return await asked.command.run(asked.values, asked.names, commands)
  const known = asked.help === undefined ? undefined : rowOf(commands, asked.help)
  const isOfAll = asked.help === undefined || known === undefined
  process.stdout.write(isOfAll ? usage(about, groups) : usageOf(asked.help, known))
  return 0
}

export async function runProgram(program: Program): Promise<void> {
  try {
    process.exitCode = await run(program, process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    process.stderr.write(`sallyport: ${error.message}\n`)
    process.exitCode = EXIT_CODES[error.code] ?? 1
  }
}
