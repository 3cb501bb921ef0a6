/**
 * A log, line by line: of a file, or of standard input for `-`.
 *
 * Memory is bounded whatever the file is: what goes on for ever without a line break is no log.
 *
 * @module
 */
import { createReadStream } from 'node:fs'
import { Fault, reasonOf } from '../../errors.ts'

/** No line of ours comes near: two thousand groups are some hundred kilobytes. */
const LONGEST_LINE = 4 * 1024 * 1024

/** Lines without their breaks; longer ones than any of ours come as an empty text. @throws {Fault} USAGE */
export async function* logLines(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  try {
    yield* linesOf(input.setEncoding('utf8'))
  } catch (error) {
    throw new Fault('USAGE', `cannot read the log ${file}: ${reasonOf(error)}`, { cause: error })
  }
}

export async function* linesOf(
  chunks: AsyncIterable<string>,
  longest = LONGEST_LINE,
): AsyncGenerator<string> {
  let rest = ''
  let isTooLong = false
  for await (const chunk of chunks) {
    let from = 0
    for (let at = chunk.indexOf('\n'); at !== -1; at = chunk.indexOf('\n', from)) {
      const line = rest + chunk.slice(from, at)
      yield isTooLong || line.length > longest ? '' : line
      rest = ''
      isTooLong = false
      from = at + 1
    }
    if (!isTooLong) rest += chunk.slice(from)
    if (rest.length > longest) {
      rest = ''
      isTooLong = true
    }
  }
  if (rest !== '') yield rest
}
