/**
 * `sallyport validate`: every mistake of a configuration file; starts nothing.
 *
 * @module
 */
import { stripVTControlCharacters } from 'node:util'
import { loadConfig } from '../config/load.ts'
import { ConfigFault } from '../config/problem.ts'
import { CHECKS_AND_TESTS } from '../config-checks.ts'
import { directoryFileProblems } from '../identity/directory/file-problems.ts'
import { count } from './table.ts'

/** The part of a stream that is needed to print. */
export interface Output {
  write(text: string): unknown
}

/** Exit code 0 when the file would be served, 1 when not; all that is wrong goes to `out`. */
export function validate(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  out: Output,
): number {
  try {
    const config = loadConfig(file, { env, ...CHECKS_AND_TESTS })
    const problems = directoryFileProblems(config)
    if (problems.length > 0) {
      for (const problem of problems) out.write(`${stripVTControlCharacters(problem)}\n`)
      out.write(`${count(problems.length, 'mistake')} in directory files, whose groups would be unknown\n`)
      return 1
    }
    out.write(`${file}: no mistakes; ${count(config.routes.length, 'route')}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error
    // A file of unknown origin must not steer the terminal it is checked on.
    out.write(`${stripVTControlCharacters(error.message)}\n`)
    if (error.code === 'CONFIG_INVALID') out.write(`${count(error.problems.length, 'mistake')}\n`)
    return 1
  }
}
