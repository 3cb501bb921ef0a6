/**
 * The packages that the test installs: the one of this checkout, and others that are told from it by their
 * version alone.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { version } from '../../src/form/installation.ts'
import { SCHEMA_VERSION } from '../../src/session/sqlite/sqlite-database.ts'
import { run } from '../harness/process.ts'

export const BUILT = join(import.meta.dirname, '..', '..', '.cache', 'deb')
const NEWER = `${version()}+1`
const EVEN_NEWER = `${version()}+2`

const file = (architecture: string): string => join(BUILT, `sallyport_${version()}_${architecture}.deb`)

/** @param folder for those that are made here, unpacked and packed again without compression */
export async function packagesIn(folder: string) {
  return {
    current: file('amd64'),
    arm64: file('arm64'),
    newer: await withVersion(NEWER, folder),
    evenNewer: await withVersion(EVEN_NEWER, folder),
    newerVersion: NEWER,
    schema: SCHEMA_VERSION,
  }
}

async function withVersion(its: string, folder: string): Promise<string> {
  const tree = join(folder, its)
  await run({ command: 'dpkg-deb', args: ['-R', file('amd64'), tree], withinMs: 120_000 })
  const control = join(tree, 'DEBIAN', 'control')
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${its}`))
  const path = join(folder, `sallyport_${its}.deb`)
  await run({
    command: 'dpkg-deb',
    args: ['--root-owner-group', '-Znone', '--build', tree, path],
    withinMs: 120_000,
  })
  return path
}
