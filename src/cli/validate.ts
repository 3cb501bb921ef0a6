/**
 * `sallyport validate`: every mistake of a configuration file; starts nothing.
 *
 * @module
 */
import { stripVTControlCharacters } from 'node:util'
import type { Config, Mistake } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { ConfigFault, formatProblem } from '../config/problem.ts'
import { compilePolicy } from '../policy/compile.ts'

/** The part of a stream that is needed to print. */
export interface Output {
  write(text: string): unknown
}

/** What the policy compiler says against the routes, as a check for `parseConfig`. */
export function policyMistakes(config: Config): Mistake[] {
  return config.routes.flatMap((route, index) =>
    (compilePolicy(route).problems ?? []).map(({ path, message }) => ({
      path: ['routes', index, ...path],
      message,
    })),
  )
}

/** Exit code 0 when the file would be served, 1 when not; all that is wrong goes to `out`. */
export function validate(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  out: Output,
): number {
  try {
    const { routes } = loadConfig(file, { env, checks: [policyMistakes] })
    out.write(`${file}: no mistakes; ${count(routes.length, 'route')}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error
    // A file of unknown origin must not steer the terminal it is checked on.
    for (const problem of error.problems) out.write(`${stripVTControlCharacters(formatProblem(problem))}\n`)
    out.write(`${count(error.problems.length, 'mistake')}\n`)
    return 1
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
