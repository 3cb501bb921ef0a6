/**
 * A log, line by line: of a file, or of standard input for `-`.
 *
 * @module
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Fault, reasonOf } from '../../errors.ts'

/** @throws {Fault} USAGE when the file can't be read */
export async function* logLines(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) yield line
  } catch (error) {
    throw new Fault('USAGE', `cannot read the log ${file}: ${reasonOf(error)}`, { cause: error })
  }
}
