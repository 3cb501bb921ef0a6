/**
 * The npm packages: Sallyport itself, and one with Envoy for each platform.
 *
 * Sallyport's own names those with Envoy as optional peers, not as optional dependencies. npm never fetches
 * them by itself: as long as the names are not published by us, somebody else could publish them.
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ENVOY_VERSION } from '../envoy/release.ts'
import { version } from '../src/form/installation.ts'
import { makeBundle, OLDEST_NODE, ours, packagesIn, ROOT } from './bundle.ts'
import { envoyApiPart, envoyPart, licencesText, npmPart } from './licences.ts'
import { PLATFORMS, type Platform, pinnedEnvoy } from './platforms.ts'
import { bill } from './sbom.ts'

const run = promisify(execFile)
const LICENCES = 'THIRD-PARTY-LICENCES.txt'
const BILL = 'sbom.cdx.json'

const envoyPackage = (platform: Platform): string => `@sallyport/envoy-${platform}`

/** What `/opt/sallyport` of the container image holds: the bundle, and what `docker-compose.yml` runs beside it. @returns that folder */
export async function makeImageFolder(out: string): Promise<string> {
  const folder = join(out, 'image')
  await makeProgramFolder(folder, { withExample: true })
  // Node runs it as it is.
  const app = join('examples', 'compose', 'app.ts')
  await mkdir(join(folder, dirname(app)), { recursive: true })
  await copyFile(join(ROOT, app), join(folder, app))
  await writeManifest(folder, {
    name: 'sallyport',
    version: version(),
    license: 'Apache-2.0',
    type: 'module',
  })
  return folder
}

async function makeProgramFolder(
  folder: string,
  how: { readonly withExample?: boolean } = {},
): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  const packages = packagesIn(await makeBundle(join(folder, 'dist'), how))
  await mkdir(join(folder, 'bin'))
  const bin = join(folder, 'bin', 'sallyport.mjs')
  await copyFile(join(import.meta.dirname, 'launcher.mjs'), bin)
  await chmod(bin, 0o755)
  for (const name of ['LICENSE', 'config.schema.json', 'CHANGELOG.md'])
    await copyFile(join(ROOT, name), join(folder, name))
  await writeFile(join(folder, LICENCES), licencesText([...packages.map(npmPart), envoyApiPart()]))
  await writeFile(join(folder, BILL), bill(packages, []))
}

/** The folder of the package `sallyport`: the bundle, and what goes with it. @returns that folder */
export async function makeProgramPackage(out: string): Promise<string> {
  const folder = join(out, 'npm', 'sallyport')
  await makeProgramFolder(folder)
  await writeFile(join(folder, 'README.md'), README)
  await writeManifest(folder, {
    name: 'sallyport',
    version: version(),
    description: 'Identity-aware access proxy: a control plane that drives a stock Envoy',
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: `>=${OLDEST_NODE}` },
    bin: { sallyport: 'bin/sallyport.mjs' },
    peerDependencies: Object.fromEntries(PLATFORMS.map((each) => [envoyPackage(each), ENVOY_VERSION])),
    peerDependenciesMeta: Object.fromEntries(
      PLATFORMS.map((each) => [envoyPackage(each), { optional: true }]),
    ),
  })
  return folder
}

const README = `# Sallyport

An identity-aware access proxy: it drives a stock Envoy. \`sallyport demo\` shows it, \`sallyport --help\` tells the rest.

It needs Node.js ${OLDEST_NODE} or newer. Envoy ${ENVOY_VERSION} comes from the package \`@sallyport/envoy-PLATFORM\` beside
this one, from PATH or ENVOY_PATH, or is fetched once.
`

/** The folder of a package with the pinned Envoy. @returns that folder */
export async function makeEnvoyPackage(platform: Platform, out: string): Promise<string> {
  const folder = join(out, 'npm', `envoy-${platform}`)
  await rm(folder, { recursive: true, force: true })
  await mkdir(join(folder, 'bin'), { recursive: true })
  const binary = join(folder, 'bin', 'envoy')
  await copyFile(await pinnedEnvoy(platform), binary)
  await chmod(binary, 0o755)
  const part = envoyPart(ENVOY_VERSION)
  await writeFile(join(folder, LICENCES), licencesText([part]))
  await writeFile(join(folder, 'LICENSE'), await ours('LICENSE'))
  const [os = '', cpu = ''] = platform.split('-')
  await writeFile(
    join(folder, 'README.md'),
    `# Envoy ${ENVOY_VERSION} for ${platform}\n\nThe proxy that the package \`sallyport\` drives, unchanged. It is no work of the Sallyport project.\n`,
  )
  await writeManifest(folder, {
    name: envoyPackage(platform),
    version: ENVOY_VERSION,
    description: `Envoy ${ENVOY_VERSION} for ${platform}, as Sallyport drives it`,
    license: 'Apache-2.0',
    os: [os],
    cpu: [cpu],
    ...(os === 'linux' && { libc: ['glibc'] }),
  })
  return folder
}

/** `package.json` of a package. */
export async function writeManifest(folder: string, manifest: object): Promise<void> {
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
}

/** Packs a folder as npm does. @returns the path of the tarball, which lies in `out` */
export async function pack(folder: string, out: string): Promise<string> {
  const args = ['pack', folder, '--json', '--ignore-scripts', '--pack-destination', out]
  const { stdout } = await run('npm', args, { cwd: out, maxBuffer: 16 * 1024 * 1024 })
  const [made]: { filename: string }[] = JSON.parse(stdout)
  if (made === undefined) throw new Error(`npm packed nothing of ${folder}`)
  return join(out, made.filename)
}
