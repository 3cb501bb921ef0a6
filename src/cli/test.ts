/**
 * `sallyport test`: runs the tests of a configuration and shows how each came out; starts nothing.
 *
 * @module
 */

import { ROUTING } from '../access/config-checks.ts'
import { type PolicyTestResult, runPolicyTests } from '../access/tests/policy-tests.ts'
import { plain } from '../plain-text.ts'
import type { TraceEntry } from '../policy/decision.ts'
import { type OpenedConfig, openConfig } from './open-config.ts'
import { alignedLines, count } from './table.ts'
import type { Output } from './validate.ts'

export interface TestCommand {
  readonly file: string
  readonly json?: boolean | undefined
  readonly withoutSecrets?: boolean | undefined
}

/** Exit code 0 when all pass, 1 when one fails. @throws {Fault} CONFIG_UNREADABLE, CONFIG_INVALID */
export function test(
  { file, json = false, withoutSecrets }: TestCommand,
  env: Readonly<Record<string, string | undefined>>,
  out: Output,
): number {
  const opened = openConfig(file, env, { withoutSecrets })
  const results = runPolicyTests(opened.config, ROUTING)
  const failed = results.filter(({ failure }) => failure !== undefined)
  out.write(
    json ? `${JSON.stringify(results.map((result) => asJson(opened, result)))}\n` : report(opened, results),
  )
  return failed.length === 0 ? 0 : 1
}

function report({ config, positions }: OpenedConfig, results: readonly PolicyTestResult[]): string {
  const rows = results.map((result) => {
    const { line } = positions.of(result.path)
    const isFailed = result.failure !== undefined
    const came = `${result.actual}${reasonsOf(result)}`
    return [
      isFailed ? 'FAIL' : 'ok',
      `line ${line}`,
      result.title,
      isFailed ? `${came}, expected ${result.expected}` : came,
    ]
  })
  const failures = results.filter(({ failure }) => failure !== undefined)
  const details = failures.map((result) => detailsOf(result))
  return `${alignedLines(rows)}${details.join('')}\n${plain(config.file)}: ${summaryOf(results.length, failures.length)}\n`

  function detailsOf({ path, title, failure = '', route, decision }: PolicyTestResult): string {
    const { line, column } = positions.of(path)
    const criteria = (decision?.trace ?? []).map((entry) => [
      placeOf(entry),
      entry.action,
      entry.criterion,
      entry.truth,
      entry.reason,
    ])
    return `\n${plain(`${config.file}:${line}:${column}: ${title}`)}\n  ${plain(failure)}\n${alignedLines(criteria, '  ')}`

    function placeOf({ at = [], isShared }: TraceEntry): string {
      const place = isShared || route === undefined ? positions.of(at) : positions.within(route, at)
      return `line ${place.line}`
    }
  }
}

function reasonsOf({ reasons }: PolicyTestResult): string {
  return reasons.length === 0 ? '' : ` (${reasons.join(', ')})`
}

function summaryOf(all: number, failed: number): string {
  if (all === 0) return 'no tests; write some under `tests` of a route (docs/testing-policies.md)'
  return failed === 0 ? `${count(all, 'test')} passed` : `${failed} of ${count(all, 'test')} failed`
}

function asJson({ config, positions }: OpenedConfig, result: PolicyTestResult) {
  const { title, request, expected, actual, reasons, route, failure } = result
  return {
    file: config.file,
    ...positions.of(result.path),
    title,
    request,
    route: route?.name ?? route?.from,
    expected,
    actual,
    reasons,
    passed: failure === undefined,
    ...(failure === undefined ? {} : { failure }),
  }
}
