/**
 * Shows how far a long download is: a bar on a terminal, a line now and then elsewhere.
 *
 * @module
 */

const BAR_WIDTH = 30
const TERMINAL_INTERVAL_MS = 200
const LINE_INTERVAL_MS = 5_000
const MEGABYTE = 1_000_000

export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

const megabytes = (bytes: number): string => (bytes / MEGABYTE).toFixed(1)

/** One line of progress, without its end. Past the expected size it stays just under full. */
export function progressLine(label: string, doneBytes: number, totalBytes: number): string {
  const part = Math.min(doneBytes / totalBytes, 0.99)
  const filled = Math.floor(part * BAR_WIDTH)
  const bar = '█'.repeat(filled).padEnd(BAR_WIDTH, '░')
  return `${label} ${bar} ${megabytes(Math.min(doneBytes, totalBytes))} of ${megabytes(totalBytes)} MB`
}

/**
 * Measures and shows until it is disposed of.
 *
 * @param measure bytes that have arrived so far
 */
export function showProgress(options: {
  output: ProgressOutput
  label: string
  totalBytes: number
  measure: () => number
}): Disposable {
  const { output, label, totalBytes, measure } = options
  const terminal = output.isTTY === true
  const size = `${(totalBytes / MEGABYTE).toFixed(0)} MB`
  const show = (): void => {
    const line = progressLine(label, measure(), totalBytes)
    output.write(terminal ? `\r${line}` : `${line}\n`)
  }
  if (terminal) show()
  else output.write(`${label} (${size}, once)\n`)
  const timer = setInterval(show, terminal ? TERMINAL_INTERVAL_MS : LINE_INTERVAL_MS)
  timer.unref()
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
      if (terminal) output.write('\r\u001B[K')
    },
  }
}
