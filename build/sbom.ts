/**
 * The bill of materials of a form, as CycloneDX 1.6: what is in it, by whom, under which licence. Nothing of it
 * depends on the time, so that two builds are equal.
 *
 * @see https://cyclonedx.org/docs/1.6/json/
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { version } from '../src/form/installation.ts'
import { ROOT } from './bundle.ts'
import { npmPart } from './licences.ts'

interface Component {
  readonly type: 'library' | 'application' | 'platform'
  readonly 'bom-ref': string
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly licenses: readonly { readonly expression: string }[]
  readonly hashes?: readonly { readonly alg: 'SHA-512' | 'SHA-256'; readonly content: string }[]
}

/** A program that is shipped along, such as Node or Envoy. */
export interface ShippedProgram {
  readonly type: 'application' | 'platform'
  readonly name: string
  readonly version: string
  readonly licence: string
  /** Of the file as it is shipped. */
  readonly sha256: string
}

/**
 * @param folders of the npm packages in the bundle, from the root of the checkout
 * @param name of the package that it is the bill of
 */
export function bill(
  folders: readonly string[],
  shipped: readonly ShippedProgram[],
  name = 'sallyport',
): string {
  const components = [...folders.map(npmComponent), ...shipped.map(programComponent)].toSorted((a, b) =>
    a['bom-ref'] < b['bom-ref'] ? -1 : 1,
  )
  const self = {
    type: 'application',
    'bom-ref': `pkg:npm/${name}@${version()}`,
    name,
    version: version(),
    purl: `pkg:npm/${name}@${version()}`,
    licenses: [{ expression: 'Apache-2.0' }],
  }
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: self },
    components,
    dependencies: [{ ref: self['bom-ref'], dependsOn: components.map((each) => each['bom-ref']) }],
  }
  return `${JSON.stringify(document, undefined, 2)}\n`
}

function npmComponent(folder: string): Component {
  const { name, version: its, licence } = npmPart(folder)
  const purl = `pkg:npm/${name.replace('@', '%40')}@${its}`
  const sha512 = integrityOf(folder)
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version: its,
    purl,
    licenses: [{ expression: licence }],
    ...(sha512 !== undefined && { hashes: [{ alg: 'SHA-512', content: sha512 }] }),
  }
}

function programComponent({ type, name, version: its, licence, sha256 }: ShippedProgram): Component {
  const purl = `pkg:generic/${name}@${its}`
  return {
    type,
    'bom-ref': purl,
    name,
    version: its,
    purl,
    licenses: [{ expression: licence }],
    hashes: [{ alg: 'SHA-256', content: sha256 }],
  }
}

/** Of the package as the lock file pins it, in hexadecimal. */
function integrityOf(folder: string): string | undefined {
  const { packages = {} }: { packages?: Record<string, { integrity?: string }> } = JSON.parse(
    readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
  )
  const [algorithm, hash = ''] = (packages[folder]?.integrity ?? '').split('-')
  return algorithm === 'sha512' ? Buffer.from(hash, 'base64').toString('hex') : undefined
}
