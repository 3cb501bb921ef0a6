/**
 * The npm package `sallyport-client`: the commands of users, for Node 20 and newer. It has no code of others.
 *
 * @module
 */
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { version } from '../src/form/installation.ts'
import { makeClientBundle, OLDEST_CLIENT_NODE, packagesIn, ROOT } from './bundle.ts'
import { writeManifest } from './npm-package.ts'
import { bill } from './sbom.ts'

const NAME = 'sallyport-client'

/** @returns the folder of the package */
export async function makeClientPackage(out: string): Promise<string> {
  const folder = join(out, 'npm', NAME)
  await rm(folder, { recursive: true, force: true })
  const packages = packagesIn(await makeClientBundle(join(folder, 'dist')))
  // Their licences would have to come along, and it would not be thin any more.
  if (packages.length > 0) throw new Error(`the client brings code of others: ${packages.join(', ')}`)
  await mkdir(join(folder, 'bin'))
  const bin = join(folder, 'bin', 'sallyport.mjs')
  await copyFile(join(import.meta.dirname, 'client-launcher.mjs'), bin)
  await chmod(bin, 0o755)
  await copyFile(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'))
  await writeFile(join(folder, 'sbom.cdx.json'), bill([], [], NAME))
  await writeFile(join(folder, 'README.md'), README)
  await writeManifest(folder, {
    name: NAME,
    version: version(),
    description: 'Signs you in at an identity-aware access proxy, for programs on your computer',
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: `>=${OLDEST_CLIENT_NODE}` },
    bin: { sallyport: 'bin/sallyport.mjs' },
  })
  return folder
}

const README = `# Sallyport, for users

Signs you in at a Sallyport by your browser, so that programs on your computer reach what it protects.

\`\`\`sh
sallyport auth login https://app.example.com
sallyport routes list https://app.example.com
sallyport auth token --header https://app.example.com | curl -H @- https://app.example.com/
\`\`\`

It needs Node.js ${OLDEST_CLIENT_NODE} or newer, and has no dependencies and no install script. The package \`sallyport\`, which
runs the proxy, has these commands as well: install one of the two. \`sallyport --help\` tells the rest.

It has no code of others. Its licence is Apache-2.0, in \`LICENSE\`.
`
