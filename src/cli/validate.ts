/**
 * `sallyport validate`: every mistake of a configuration file; starts nothing.
 *
 * @module
 */
import { stripVTControlCharacters } from 'node:util'
import { CHECKS_AND_TESTS } from '../access/config-checks.ts'
import { certificateWarnings } from '../config/certificate-dates.ts'
import type { Config } from '../config/config.ts'
import { type LoadOptions, loadWithWarnings, readConfigFile } from '../config/file/load.ts'
import { positionsIn } from '../config/file/positions.ts'
import { hintsOf } from '../config/hints.ts'
import { ConfigFault } from '../config/problem.ts'
import { directoryFileProblems } from '../directory/file-problems.ts'
import { policyOf } from '../policy/compiled-policies.ts'
import { atOnce } from '../turns.ts'
import { count } from './table.ts'
import { aboutUnknownKeys } from './unknown-keys.ts'

/** The part of a stream that is needed to print. */
export interface Output {
  write(text: string): unknown
}

/** Exit code 0 when the file would be served, 1 when not; all that is wrong goes to `out`. */
export function validate(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  out: Output,
  options: Pick<LoadOptions, 'withoutSecrets'> = {},
): number {
  try {
    const {
      config,
      warnings: odd,
      fromEnvironment,
    } = loadWithWarnings(file, { env, ...options, ...CHECKS_AND_TESTS })
    const problems = directoryFileProblems(config)
    if (problems.length > 0) {
      for (const problem of problems) out.write(`${stripVTControlCharacters(problem)}\n`)
      out.write(`${count(problems.length, 'mistake')} in directory files, whose groups would be unknown\n`)
      return 1
    }
    for (const [key, variable] of fromEnvironment)
      out.write(`note: ${key} is set by the environment variable ${variable}\n`)
    for (const hint of hintsOf(config)) out.write(`hint: ${stripVTControlCharacters(hint)}\n`)
    const warnings = [
      ...odd.map((warning) => `${file}: warning: ${warning}`),
      ...certificateWarningsIn(config, file),
      ...warningsIn(config, file),
    ]
    for (const warning of warnings) out.write(`${stripVTControlCharacters(warning)}\n`)
    const alsoTold = warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`
    out.write(`${file}: no mistakes${alsoTold}; ${count(config.routes.length, 'route')}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error
    // A file of unknown origin must not steer the terminal it is checked on.
    out.write(`${stripVTControlCharacters(error.message)}\n`)
    if (error.code === 'CONFIG_INVALID')
      out.write(`${count(error.problems.length, 'mistake')}\n${aboutUnknownKeys(error.message)}`)
    return 1
  }
}

function certificateWarningsIn(config: Config, file: string): readonly string[] {
  return atOnce(certificateWarnings(config, Date.now())).map((warning) => `${file}: warning: ${warning}`)
}

/** Each place once, however many routes share its policy. */
function warningsIn(config: Config, file: string): readonly string[] {
  const found = config.routes.map((route) => ({
    route,
    warnings: policyOf(config, route).policy?.warnings ?? [],
  }))
  // Most files have none, and places are only found by reading the file again.
  if (found.every(({ warnings }) => warnings.length === 0)) return []
  const positions = positionsIn(config, readConfigFile(file))
  const texts = found.flatMap(({ route, warnings }) =>
    warnings.map(({ at, isShared, message }) => {
      const { line, column } = isShared ? positions.of(at) : positions.within(route, at)
      const key = at.at(-1)
      return `${file}:${line}:${column}: warning: ${key === undefined ? '' : `${key}: `}${message}`
    }),
  )
  return [...new Set(texts)]
}
