/**
 * The Debian package: the single file, Envoy, and what systemd needs to run the two apart. It is made by
 * `dpkg-deb` for any of the platforms; nothing of it depends on the machine or the time.
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import { bootstrapYaml, SHIPPED_RUN_DIRECTORY } from '../envoy/bootstrap.ts'
import { argumentsOf } from '../envoy/run.ts'
import { COMMANDS } from '../src/cli/commands.ts'
import { completionFor } from '../src/cli/completion.ts'
import { version } from '../src/form/installation.ts'
import { SCHEMA_VERSION } from '../src/session/sqlite/sqlite-database.ts'
import { ours, ROOT } from './bundle.ts'
import { manualPage } from './manual-page.ts'
import { type Platform, pinnedEnvoy } from './platforms.ts'
import { makeSingleFile } from './single-file.ts'

const run = promisify(execFile)
const compress = promisify(gzip)

const SOURCES = join(ROOT, 'packaging', 'debian')
const ARCHITECTURES: Readonly<Record<Platform, string>> = { 'linux-x64': 'amd64', 'linux-arm64': 'arm64' }

/** The oldest glibc that the packaged Envoy runs on. */
const OLDEST_GLIBC = '2.30'

/** Of all files in it: 2026-01-01, unless the environment says another. */
const BUILT_AT = process.env['SOURCE_DATE_EPOCH'] ?? '1767225600'

const BOOTSTRAP = '/usr/lib/sallyport/envoy-bootstrap.yaml'
const ENVOY_RUN_DIRECTORY = '/run/sallyport-envoy'
const DOC = 'usr/share/doc/sallyport'

export interface DebianOptions {
  readonly platform: Platform
  readonly out: string
}

/** @returns the path of the package */
export async function makeDebianPackage({ platform, out }: DebianOptions): Promise<string> {
  const making = await mkdtemp(join(tmpdir(), 'sallyport-deb-'))
  try {
    const tree = join(making, 'tree')
    await fillTree(tree, platform, making)
    const name = `sallyport_${version()}_${ARCHITECTURES[platform]}.deb`
    await pack(tree, join(making, name))
    await copyFile(join(making, name), join(out, `${name}.new`))
    await rename(join(out, `${name}.new`), join(out, name))
    return join(out, name)
  } finally {
    await rm(making, { recursive: true, force: true })
  }
}

async function pack(tree: string, path: string): Promise<void> {
  // Of Debian 12 and Ubuntu 18.04 on. xz would save a seventh, and take a minute and more.
  const args = ['--root-owner-group', '-Zzstd', '-z5', '--threads-max=1', '--build', tree, path]
  try {
    await run('dpkg-deb', args, { env: { ...process.env, SOURCE_DATE_EPOCH: BUILT_AT } })
  } catch (cause) {
    throw new Error('dpkg-deb makes the package: it comes with Debian and Ubuntu, elsewhere install dpkg', {
      cause,
    })
  }
}

async function fillTree(tree: string, platform: Platform, making: string): Promise<void> {
  const put = async (path: string, content: string | Uint8Array, mode = 0o644): Promise<void> => {
    const place = join(tree, path)
    await mkdir(dirname(place), { recursive: true, mode: 0o755 })
    await writeFile(place, content)
    await chmod(place, mode)
  }
  const copy = async (path: string, from: string, mode: number): Promise<void> => {
    await put(path, '', mode)
    await copyFile(from, join(tree, path))
    await chmod(join(tree, path), mode)
  }
  const single = await makeSingleFile({ platform, withEnvoy: false, isEnvoyBeside: true, out: making })
  await copy('usr/bin/sallyport', single, 0o755)
  await copy('usr/lib/sallyport/envoy', await pinnedEnvoy(platform), 0o755)
  await put(
    BOOTSTRAP,
    bootstrapYaml({ runDirectory: SHIPPED_RUN_DIRECTORY, adminDirectory: ENVOY_RUN_DIRECTORY }),
  )
  await put('usr/share/sallyport/config.schema.json', await ours('config.schema.json'))
  await put('etc/sallyport/config.yaml', await source('config.yaml'), 0o640)
  const fill = {
    ENVOY_ARGUMENTS: argumentsOf({ bootstrapFile: BOOTSTRAP, logLevel: 'info' }).join(' '),
    SCHEMA: String(SCHEMA_VERSION),
    VERSION: version(),
  }
  for (const name of (await readdir(SOURCES)).filter((each) => /\.(?:service|socket)$/.test(each)))
    await put(`usr/lib/systemd/system/${name}`, filled(await source(name), fill))
  await put('usr/lib/sysusers.d/sallyport.conf', await source('sysusers.conf'))
  await put('usr/lib/tmpfiles.d/sallyport.conf', await source('tmpfiles.conf'))
  await put('usr/share/bash-completion/completions/sallyport', completionFor('bash', COMMANDS))
  await put('usr/share/zsh/vendor-completions/_sallyport', completionFor('zsh', COMMANDS))
  await put('usr/share/fish/vendor_completions.d/sallyport.fish', completionFor('fish', COMMANDS))
  await put('usr/share/man/man1/sallyport.1.gz', await packed(manualPage(COMMANDS, version())))
  await put(`${DOC}/changelog.gz`, await packed(await ours('CHANGELOG.md')))
  await put(`${DOC}/copyright`, await source('copyright'))
  await copy(`${DOC}/sbom.cdx.json`, `${single}.cdx.json`, 0o644)
  await put(`${DOC}/THIRD-PARTY-LICENCES.gz`, await packed(await readFile(`${single}.licences.txt`)))
  for (const name of ['preinst', 'postinst', 'prerm', 'postrm'])
    await put(`DEBIAN/${name}`, filled(await source(name), fill), 0o755)
  await put('DEBIAN/conffiles', '/etc/sallyport/config.yaml\n')
  await put('DEBIAN/control', await control(tree, platform))
  await put('DEBIAN/md5sums', await sums(tree))
}

const source = async (name: string): Promise<string> => await readFile(join(SOURCES, name), 'utf8')

/** Puts in what `@NAMES@` stand for. */
function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/@([A-Z_]+)@/g, (all, name: string) => values[name] ?? all)
}

/** Without a time and a name, so that two are equal. */
const packed = async (text: string | Uint8Array): Promise<Buffer> =>
  await compress(text, { level: constants.Z_BEST_COMPRESSION })

async function filesIn(tree: string): Promise<readonly string[]> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(tree, join(parentPath, name)))
    .filter((path) => !path.startsWith('DEBIAN/'))
    .toSorted()
}

/** As `dpkg --verify` reads them: configuration files are left out. */
async function sums(tree: string): Promise<string> {
  const lines: string[] = []
  for (const path of await filesIn(tree)) {
    const sum = createHash('md5').update(await readFile(join(tree, path)))
    if (!path.startsWith('etc/')) lines.push(`${sum.digest('hex')}  ${path}\n`)
  }
  return lines.join('')
}

async function control(tree: string, platform: Platform): Promise<string> {
  let bytes = 0
  for (const path of await filesIn(tree)) bytes += (await stat(join(tree, path))).size
  return `Package: sallyport
Version: ${version()}
Architecture: ${ARCHITECTURES[platform]}
Maintainer: The Sallyport authors <authors@sallyport.invalid>
Installed-Size: ${Math.ceil(bytes / 1024)}
Pre-Depends: libc6 (>= ${OLDEST_GLIBC})
Depends: libstdc++6, systemd (>= 247), ca-certificates
Section: net
Priority: optional
Description: identity-aware access proxy
 Puts a sign-in with your OpenID provider, and a policy for each route, before
 web applications. It drives a stock Envoy, which comes with it.
`
}
