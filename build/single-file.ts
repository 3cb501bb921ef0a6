/**
 * The single file: Node with the program inside, and Envoy if asked for. It is made for another processor on
 * this one, since nothing of it is compiled here.
 *
 * @see https://nodejs.org/api/single-executable-applications.html
 * @module
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { inject } from 'postject'
import { ENVOY_VERSION } from '../envoy/release.ts'
import { version } from '../src/form/installation.ts'
import { makeSingleProgram, packagesIn } from './bundle.ts'
import { envoyApiPart, envoyPart, licencesText, nodePart, npmPart } from './licences.ts'
import { CACHE, NODE_VERSION, type Platform, pinnedEnvoy, pinnedNode } from './platforms.ts'
import { bill } from './sbom.ts'
import { sha256Of } from './sums.ts'

const run = promisify(execFile)
const compress = promisify(zstdCompress)

/** By which Node finds out that something was put into it. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** Higher ones take minutes, and save little. */
const COMPRESSION = 12

export interface SingleFileOptions {
  readonly platform: Platform
  readonly withEnvoy: boolean
  /** Envoy is shipped as a file of its own, so that its licences and its row of the bill are needed too. */
  readonly isEnvoyBeside?: boolean
  readonly out: string
}

/** Writes the program, its licences and its bill of materials. @returns the path of the program */
export async function makeSingleFile({
  platform,
  withEnvoy,
  isEnvoyBeside = false,
  out,
}: SingleFileOptions): Promise<string> {
  const { program, threads, metafile } = await makeSingleProgram({ hasEnvoy: withEnvoy })
  const node = await pinnedNode(platform)
  const envoy = withEnvoy || isEnvoyBeside ? await pinnedEnvoy(platform) : undefined
  const path = join(out, `sallyport-${version()}-${platform}${withEnvoy ? '-with-envoy' : ''}`)
  const making = await mkdtemp(join(tmpdir(), 'sallyport-single-file-'))
  try {
    const assets: Record<string, string> = {}
    const put = async (name: string, content: string | Uint8Array): Promise<void> => {
      await writeFile(join(making, name), content)
      assets[name] = name
    }
    for (const [name, text] of Object.entries(threads)) await put(name, text)
    if (envoy !== undefined && withEnvoy) {
      const packed = await packedEnvoy(platform, envoy)
      await copyFile(packed, join(making, 'envoy.zst'))
      assets['envoy.zst'] = 'envoy.zst'
    }
    await writeFile(join(making, 'sallyport.cjs'), program)
    await writeFile(join(making, 'sea.json'), JSON.stringify({ ...SEA, assets }))
    // The Node that packs has to be the one that unpacks, on the processor of this machine.
    const packer = join(await pinnedNode(hostPlatform()), 'bin', 'node')
    await run(packer, ['--experimental-sea-config', 'sea.json'], { cwd: making })
    const made = join(making, 'made')
    await copyFile(join(node, 'bin', 'node'), made)
    await inject(made, 'NODE_SEA_BLOB', await readFile(join(making, SEA.output)), { sentinelFuse: FUSE })
    await chmod(made, 0o755)
    await copyFile(made, `${path}.new`)
    await rename(`${path}.new`, path)
  } finally {
    await rm(making, { recursive: true, force: true })
  }
  const packages = packagesIn(metafile)
  const parts = [
    ...packages.map(npmPart),
    envoyApiPart(),
    nodePart(node, NODE_VERSION),
    ...(envoy === undefined ? [] : [envoyPart(ENVOY_VERSION)]),
  ]
  await writeFile(`${path}.licences.txt`, licencesText(parts))
  const shipped = [
    {
      type: 'platform' as const,
      name: 'node',
      version: NODE_VERSION,
      licence: 'MIT',
      sha256: await sha256Of(join(node, 'bin', 'node')),
    },
    ...(envoy === undefined
      ? []
      : [
          {
            type: 'application' as const,
            name: 'envoy',
            version: ENVOY_VERSION,
            licence: 'Apache-2.0',
            sha256: await sha256Of(envoy),
          },
        ]),
  ]
  await writeFile(`${path}.cdx.json`, bill(packages, shipped))
  return path
}

const SEA = {
  main: 'sallyport.cjs',
  output: 'sallyport.blob',
  disableExperimentalSEAWarning: true,
  // Either would make the file one for this processor, and no two builds equal.
  useSnapshot: false,
  useCodeCache: false,
  // Options of Node are none of the users': NODE_OPTIONS could load code of others.
  execArgvExtension: 'none',
} as const

function hostPlatform(): Platform {
  return process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64'
}

/** Kept, since it takes longer than all the rest. @returns the path of the compressed file */
async function packedEnvoy(platform: Platform, envoy: string): Promise<string> {
  const path = join(CACHE, `envoy-${ENVOY_VERSION}-${platform}-${COMPRESSION}.zst`)
  if (existsSync(path)) return path
  const packed = await compress(await readFile(envoy), {
    params: {
      [constants.ZSTD_c_compressionLevel]: COMPRESSION,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  })
  await writeFile(`${path}.new`, packed)
  await rename(`${path}.new`, path)
  return path
}
