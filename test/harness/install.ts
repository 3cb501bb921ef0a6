/**
 * Installs the parts of `parts.ts` through the ordinary clients of their registries: Debian's, Python's and
 * npm's. What was installed once is kept in `.cache/`.
 *
 * @module
 */
import { accessSync, constants, existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { run, runToEnd } from './process.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** Kept between runs; safe to delete. */
export const CACHE = process.env['SALLYPORT_TEST_CACHE'] ?? join(ROOT, '.cache', 'parts')

export class MissingPart extends Error {
  override readonly name: string = 'MissingPart'
}

/** It could be built, in minutes: more than a run of all the tests has. */
export class LeftForSlowRun extends MissingPart {
  override readonly name = 'LeftForSlowRun'
}

export function findOnPath(command: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, command)
    try {
      accessSync(candidate, constants.X_OK)
      return candidate
    } catch {
      // look further
    }
  }
  return undefined
}

let refreshed: Promise<string> | undefined

let installing: Promise<unknown> = Promise.resolve()

/** Installs Debian packages when this is root on a Debian-like system. */
export async function installPackages(packages: readonly string[], advice: string): Promise<void> {
  if (process.getuid?.() !== 0 || findOnPath('apt-get') === undefined) throw new MissingPart(advice)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const args = [
    'install',
    '-y',
    '-qq',
    '--no-install-recommends',
    '-o',
    'DPkg::Lock::Timeout=300',
    ...packages,
  ]
  try {
    refreshed ??= run({ command: 'apt-get', args: ['update', '-qq'], env, withinMs: 180_000 })
    await refreshed
    // Not all of its locks wait.
    const mine = installing.then(() => run({ command: 'apt-get', args, env, withinMs: 600_000 }))
    installing = mine.catch(() => undefined)
    await mine
  } catch (error) {
    throw new MissingPart(advice, { cause: error })
  }
}

export async function debianCommand(command: string, packages: readonly string[]): Promise<string> {
  const found = findOnPath(command)
  if (found !== undefined) return found
  const advice = `missing ${command}: apt-get install --no-install-recommends ${packages.join(' ')}`
  await installPackages(packages, advice)
  const installed = findOnPath(command)
  if (installed === undefined) throw new MissingPart(advice)
  return installed
}

/**
 * Fills `CACHE/<name>` once: made beside it and renamed, so that a half-made one is never taken for whole.
 */
export async function cached(
  name: string,
  advice: string,
  fill: (folder: string) => Promise<void>,
  isLong = false,
): Promise<string> {
  const folder = join(CACHE, name)
  if (existsSync(folder)) return folder
  const making = join(CACHE, `${name}.making`)
  await mkdir(CACHE, { recursive: true })
  await rm(making, { recursive: true, force: true })
  if (isLong && process.env['SALLYPORT_SLOW_PARTS'] === undefined)
    throw new LeftForSlowRun(`${name} takes minutes to build: npm run test:slow builds it once and tries it`)
  try {
    await fill(making)
    await rename(making, folder)
  } catch (error) {
    if (error instanceof MissingPart) throw error
    throw new MissingPart(`${advice}. ${error instanceof Error ? error.message : ''}`, { cause: error })
  }
  return folder
}

/** A Python that can make virtual environments: Debian leaves that module to a package of its own. */
export async function python(): Promise<string> {
  const command = await debianCommand('python3', ['python3', 'python3-venv'])
  const { code } = await runToEnd({ command, args: ['-c', 'import ensurepip, venv'] })
  if (code !== 0) await installPackages(['python3-venv'], 'missing venv: apt-get install python3-venv')
  return command
}

/** Interpreter of a virtual environment with packages of the Python package index. */
export async function venvWith(name: string, what: string, packages: readonly string[]): Promise<string> {
  const advice = `missing ${what}: needs python3-venv, and ${packages.join(', ')} from the Python package index`
  const venv = await cached(name, advice, async (making) => {
    await run({ command: await python(), args: ['-m', 'venv', making], withinMs: 120_000 })
    const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...packages]
    await run({ command: join(making, 'bin', 'python'), args: pip, withinMs: 600_000 })
  })
  return join(venv, 'bin', 'python')
}

/** Folder of packages from the npm registry. Their install scripts are not run. */
export async function npmPackages(
  name: string,
  manifest: { readonly dependencies: object },
): Promise<string> {
  const packages = Object.keys(manifest.dependencies).join(', ')
  const advice = `missing ${packages}: needs npm, and ${packages} from the npm registry`
  const npm = findOnPath('npm')
  if (npm === undefined) throw new MissingPart(advice)
  return await cached(name, advice, async (making) => {
    await mkdir(making)
    await writeFile(join(making, 'package.json'), JSON.stringify({ private: true, ...manifest }))
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']
    await run({ command: npm, args, cwd: making, withinMs: 600_000 })
  })
}
