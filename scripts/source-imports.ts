/**
 * Which source file imports which: what the rules of the house and the page on features are read from.
 *
 * @module
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'

export interface Import {
  readonly path: string
  readonly from: string
  readonly to: string
  /** The file. */
  readonly target: string
  readonly isTypeOnly: boolean
}

/** Beside what the generator writes: which .proto files there are, and how they are spoken. */
const WRITTEN_BY_HAND = ['src/gen/imports.ts', 'src/gen/protos.ts']

const ROOT = join(import.meta.dirname, '..')

const sources = globSync(['src/**/*.ts', 'envoy/**/*.ts', 'proto/*.ts'], { cwd: ROOT })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => !path.endsWith('.test.ts'))
  .toSorted()

export const generated = sources.filter(
  (path) => path.startsWith('src/gen/') && !WRITTEN_BY_HAND.includes(path),
)
export const written = sources.filter((path) => !generated.includes(path))
/** Parts of tests that stand beside the sources. */
export const isOfTests = (path: string): boolean => /\.(?:fixture|suite)\.ts$/.test(path)

export const imports = written.flatMap(importsOf)

/** `src/xds/ads/pack.ts` is in `xds`, `src/main.ts` in `main.ts`, `envoy/find.ts` in `envoy`. */
export function roomOf(path: string): string {
  const [top = '', below = ''] = path.split('/')
  return top === 'src' ? below : top
}

function importsOf(path: string): readonly Import[] {
  const found = readFileSync(join(ROOT, path), 'utf8').matchAll(
    /^\s*(?:(?:import|export)\b(?<clause>[^'";]*?)from\s*|import\s+)'(?<static>\.[^']+)'|\bimport\(\s*'(?<dynamic>\.[^']+)'/gm,
  )
  return [...found].map(({ groups = {} }) => {
    const specifier = groups['static'] ?? groups['dynamic'] ?? ''
    const to = join(dirname(path), specifier).split(sep).join('/')
    return { path, from: roomOf(path), to: roomOf(to), target: to, isTypeOnly: isTypeOnly(groups['clause']) }
  })
}

/** `import type {…}`, or each name in the braces a `type`. */
function isTypeOnly(clause = ''): boolean {
  if (/^\s*type\b/.test(clause)) return true
  const names = /^\s*\{(?<names>[^}]*)\}\s*$/.exec(clause)?.groups?.['names']?.split(',') ?? []
  return names.length > 0 && names.every((name) => name.trim() === '' || name.trim().startsWith('type '))
}
