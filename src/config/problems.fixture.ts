/**
 * For tests: a file's problems as short lines, `line:column path: message`.
 *
 * @module
 */

import { type ParseOptions, parseConfig } from './parse.ts'
import { formatPath } from './problem.ts'

export function problemsOf(text: string, options: ParseOptions = {}): string[] {
  const parsed = parseConfig(text, options)
  if ('config' in parsed) return []
  return parsed.problems.map(
    ({ line, column, path, message }) => `${line}:${column} ${formatPath(path)}: ${message}`,
  )
}

/** The messages alone, for a route with these further lines. */
export function routeProblems(...lines: readonly string[]): string[] {
  const body = lines.some((line) => /^(?:to|redirect|response):/.test(line))
    ? lines
    : ['to: http://app', ...lines]
  const text = `routes:\n  - from: https://app.example.com\n${body.map((line) => `    ${line}\n`).join('')}`
  return problemsOf(text).map((problem) => problem.replace(/^\d+:\d+ routes\[0\]\.?/, ''))
}

/** The messages alone, for a file with these lines. */
export function settingsProblems(...lines: readonly string[]): string[] {
  return problemsOf(`${lines.join('\n')}\n`).map((problem) => problem.replace(/^\d+:\d+ /, ''))
}
