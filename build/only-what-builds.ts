/**
 * `node build/only-what-builds.ts`: takes out of package.json what building does not need. `npm install` then
 * installs the rest as package-lock.json pins it. For the container image, where linters and browsers are ballast.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'

const NEEDED = new Set(['esbuild', 'postject'])

interface Manifest {
  readonly devDependencies: Readonly<Record<string, string>>
  readonly [key: string]: unknown
}

const {
  optionalDependencies: _,
  devDependencies,
  ...manifest
}: Manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const needed = Object.entries(devDependencies).filter(([name]) => NEEDED.has(name))
writeFileSync(
  'package.json',
  JSON.stringify({ ...manifest, devDependencies: Object.fromEntries(needed) }, undefined, 2),
)
