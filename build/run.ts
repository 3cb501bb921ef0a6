/**
 * `npm run build [-- FORM…]`: makes what is shipped, in `dist/`. Without a form it makes the bundle, in seconds.
 *
 * @module
 */
import { mkdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from './bundle.ts'
import { makeClientPackage } from './client-package.ts'
import { makeDebianPackage } from './debian.ts'
import { makeEnvoyPackage, makeImageFolder, makeProgramPackage, pack } from './npm-package.ts'
import { isPlatform, PLATFORMS, type Platform } from './platforms.ts'
import { makeSingleFile } from './single-file.ts'
import { writeSums } from './sums.ts'

const USAGE = `Usage: npm run build -- [bundle | npm | single-file | deb | image]… [--for PLATFORM]… [--with-envoy] [--out DIR]

  bundle        the package folders dist/npm/sallyport, whose bin/sallyport.mjs runs on Node 24 and newer, and
                dist/npm/sallyport-client, the commands of users, for Node 20 and newer (default)
  npm           those as tarballs; with --with-envoy the packages with Envoy, too
  single-file   one program with Node inside; with --with-envoy Envoy, too
  deb           a package for Debian and Ubuntu, with Envoy and units for systemd
  image         the folder that the Dockerfile puts into the container image

PLATFORM is ${PLATFORMS.join(' or ')}; default: this machine.
`

const FORMS = ['bundle', 'npm', 'single-file', 'deb', 'image']
/** The same on each platform. */
const PORTABLE = ['bundle', 'image']

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    for: { type: 'string', multiple: true },
    'with-envoy': { type: 'boolean', default: false },
    out: { type: 'string', default: join(ROOT, 'dist') },
    help: { type: 'boolean', default: false },
  },
})
const forms = positionals.length === 0 ? ['bundle'] : positionals
const platforms: readonly string[] = values.for ?? [`${process.platform}-${process.arch}`]
const wrong =
  forms.find((form) => !FORMS.includes(form)) ??
  (forms.every((form) => PORTABLE.includes(form)) ? undefined : platforms.find((each) => !isPlatform(each)))

if (values.help || wrong !== undefined) {
  process.stderr.write(wrong === undefined ? USAGE : `"${wrong}" is not built\n\n${USAGE}`)
  process.exitCode = wrong === undefined ? 0 : 2
} else await makeAll(platforms.filter(isPlatform))

function made(path: string): void {
  process.stdout.write(`${relative(process.cwd(), path)}\n`)
}

async function makeAll(wanted: readonly Platform[]): Promise<void> {
  const { 'with-envoy': withEnvoy } = values
  const out = resolve(values.out)
  await mkdir(out, { recursive: true })
  if (forms.includes('bundle') || forms.includes('npm')) {
    for (const folder of [await makeProgramPackage(out), await makeClientPackage(out)]) {
      made(folder)
      if (forms.includes('npm')) made(await pack(folder, out))
    }
  }
  if (forms.includes('image')) made(await makeImageFolder(out))
  for (const platform of wanted) {
    if (forms.includes('npm') && withEnvoy) made(await pack(await makeEnvoyPackage(platform, out), out))
    if (forms.includes('single-file')) made(await makeSingleFile({ platform, withEnvoy, out }))
    if (forms.includes('deb')) made(await makeDebianPackage({ platform, out }))
  }
  if (forms.some((form) => !PORTABLE.includes(form))) await writeSums(out)
}
