/**
 * SHA-256 sums of what was made, as `sha256sum --check` reads them.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const SUMS = 'SHA256SUMS'

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Of all files of a folder, by name; of its folders none. */
export async function writeSums(directory: string): Promise<void> {
  const files = (await readdir(directory, { withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== SUMS)
    .map(({ name }) => name)
    .toSorted()
  const lines: string[] = []
  for (const name of files) lines.push(`${await sha256Of(join(directory, name))}  ${name}\n`)
  await writeFile(join(directory, SUMS), lines.join(''))
}
