/**
 * What this program is installed as. Here it is a checkout; `build/` puts other words in place of this file.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')

/** As package.json names it. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}

/** The folder that a container image can be built from; what is built from a checkout has none. */
export function checkout(): string | undefined {
  return ROOT
}

/** How people start this program, from the folder that they are in. */
export function commandName(): string {
  const below = relative(process.cwd(), join(ROOT, 'sallyport'))
  return below.startsWith('..') ? join(ROOT, 'sallyport') : `./${below}`
}
