/**
 * Problems in words, one a line, in the form that editors and terminals turn into links.
 *
 * @module
 */

import { Fault, type FaultCode } from '../errors.ts'
import type { ConfigPath, Problem } from './config.ts'

/** `routes[3].timeout`; empty for the file itself. */
export function formatPath(path: ConfigPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('')
}

/** `config.yaml:12:5: routes[3].timeout: needs a unit …` */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = formatPath(path)
  return `${file}:${line}:${column}: ${place === '' ? '' : `${place}: `}${message}`
}

/** What cannot be read has no lines. */
const formatWithoutPlace = ({ file, message }: Problem): string => `${file}: ${message}`

/** Why no generation could be made of a file. */
export class ConfigFault extends Fault {
  readonly problems: readonly Problem[]

  constructor(
    code: Extract<FaultCode, 'CONFIG_INVALID' | 'CONFIG_UNREADABLE'>,
    problems: readonly Problem[],
    options?: ErrorOptions,
  ) {
    super(
      code,
      problems.map(code === 'CONFIG_UNREADABLE' ? formatWithoutPlace : formatProblem).join('\n'),
      options,
    )
    this.problems = problems
  }
}
