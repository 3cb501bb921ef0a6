/**
 * The images that the tests of this folder run, and how they are built where no registry of images is reached.
 *
 * Stand-ins have the names of the official images, so that the Dockerfile is built as it is: a Debian of
 * debootstrap, on it the Node and the npm of this machine, or the pinned Envoy.
 *
 * @module
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { findEnvoy } from '../../envoy/find.ts'
import { ENVOY_VERSION } from '../../envoy/release.ts'
import { version } from '../../src/form/installation.ts'
import type { Engine } from '../harness/docker-engine.ts'
import { CACHE, findOnPath } from '../harness/install.ts'
import { tempDir } from '../harness/ports.ts'

const ROOT = join(import.meta.dirname, '..', '..')

export const DATA = join(CACHE, 'docker-data')
export const IMAGE = `sallyport:${version()}`
/** Its image had Node on the sources, and its state is older. */
export const EARLIER = 'c3ad143'
/** Of the sources of that commit, by their own Dockerfile. */
export const EARLIER_IMAGE = `sallyport:${EARLIER}`

const NODE = 'node:26-bookworm-slim'
const ENVOY = `envoyproxy/envoy:v${ENVOY_VERSION}`
const BUILD_WITHIN_MS = 900_000

/** Builds what is not there, and the image of this checkout in any case. @param debian from `parts.ts` */
export async function buildImages(engine: Engine, debian: string): Promise<void> {
  const has = async (name: string): Promise<boolean> =>
    (await engine.dockerToEnd(['image', 'inspect', name])).code === 0
  await using folder = await tempDir('images')
  const build = async (name: string, context: string): Promise<void> => {
    await engine.docker(['build', '--network', 'host', '--tag', name, context], BUILD_WITHIN_MS)
  }
  if (!(await has(NODE)) || !(await has(ENVOY))) {
    const archive = join(folder.path, 'debian.tar')
    // Tests mount some of these, and leave files in others.
    const without = ['proc', 'sys', 'dev', 'tmp', 'root', 'usr/local/bin'].map(
      (name) => `--exclude=./${name}/*`,
    )
    execFileSync('tar', ['-C', debian, '--one-file-system', ...without, '-cf', archive, '.'])
    await engine.docker(['import', archive, 'debian:bookworm-slim'])
    await build(NODE, nodeContext(join(folder.path, 'node')))
    await build(ENVOY, await envoyContext(join(folder.path, 'envoy')))
  }
  if (!(await has(EARLIER_IMAGE))) {
    const context = join(folder.path, 'earlier')
    mkdirSync(context)
    execFileSync('sh', ['-c', `git archive ${EARLIER} | tar -x -C "$0"`, context], { cwd: ROOT })
    await build(EARLIER_IMAGE, context)
  }
  // Named, so that the engine keeps the layers of these stages for the next build.
  for (const stage of ['build', 'system'])
    await engine.docker(
      ['build', '--network', 'host', '--target', stage, '--tag', `${IMAGE}-${stage}`, ROOT],
      BUILD_WITHIN_MS,
    )
  await build(IMAGE, ROOT)
  await engine.docker(['image', 'prune', '--force'])
}

const MODULES = 'usr/local/lib/node_modules'

function nodeContext(context: string): string {
  const bin = join(context, 'root/usr/local/bin')
  mkdirSync(bin, { recursive: true })
  copyFileSync(process.execPath, join(bin, 'node'))
  // The official image has it of a package; the smallest Debian has not.
  const atomic = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(
    /\/\S*libatomic\.so\.1/,
  )?.[0]
  if (atomic !== undefined) {
    const libraries = join(context, 'root/usr/lib', basename(dirname(realpathSync(atomic))))
    mkdirSync(libraries, { recursive: true })
    copyFileSync(atomic, join(libraries, 'libatomic.so.1'))
  }
  const npm = findOnPath('npm')
  if (npm === undefined) throw new Error('npm is missing')
  cpSync(join(dirname(realpathSync(npm)), '..'), join(context, 'root', MODULES, 'npm'), { recursive: true })
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(bin, name))
  const certificates = '/etc/ssl/certs/ca-certificates.crt'
  mkdirSync(join(context, 'root', dirname(certificates)), { recursive: true })
  copyFileSync(certificates, join(context, 'root', certificates))
  for (const settings of ['/etc/npmrc', '/usr/local/etc/npmrc'])
    if (existsSync(settings)) cpSync(settings, join(context, 'root', settings), { recursive: true })
  // Node trusts its own list; what the registry's client is shown here may come from another authority.
  return written(context, ['COPY root /', `ENV NODE_EXTRA_CA_CERTS=${certificates}`])
}

async function envoyContext(context: string): Promise<string> {
  mkdirSync(context)
  const binary = join(context, 'envoy')
  const { path } = await findEnvoy({ env: process.env })
  copyFileSync(path, binary)
  chmodSync(binary, 0o755)
  return written(context, ['COPY envoy /usr/local/bin/envoy'])
}

function written(context: string, lines: readonly string[]): string {
  writeFileSync(join(context, 'Dockerfile'), ['FROM debian:bookworm-slim', ...lines, ''].join('\n'))
  return context
}
