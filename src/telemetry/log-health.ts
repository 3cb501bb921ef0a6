/**
 * Whether the log is read, for `/readyz` and the metrics: in the log itself it can't be said.
 *
 * @module
 */
import type { LogOutput } from './log.ts'
import type { Meter } from './metrics.ts'

export function problemOfLog({ lines }: Pick<LogOutput, 'lines'>): string | undefined {
  return lines?.isGone === true ? `standard output is closed: ${lines.lost} lines are lost so far` : undefined
}

export function countLostLines(meter: Meter, { lines }: Pick<LogOutput, 'lines'>): void {
  meter
    .createObservableCounter('sallyport_log_lines_lost', {
      description: 'Log lines, decisions and accesses among them, that nobody read',
    })
    .addCallback((result) => result.observe(lines?.lost ?? 0))
}
