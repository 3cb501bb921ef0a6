/**
 * The licences of what is in a form: who passes it on must pass these on with it.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './bundle.ts'

/** One part that others have written. */
export interface Part {
  readonly name: string
  readonly version: string
  /** SPDX expression. */
  readonly licence: string
  readonly texts: readonly string[]
}

const TEXT = /^(?:licen[cs]e|copying|notice|copyright)(?:[-.].*)?$/i

/** An npm package, by its folder from the root of the checkout. */
export function npmPart(folder: string): Part {
  const where = join(ROOT, folder)
  const manifest: unknown = JSON.parse(readFileSync(join(where, 'package.json'), 'utf8'))
  const told = (key: string): string => {
    const value: unknown = manifest !== null && typeof manifest === 'object' && Reflect.get(manifest, key)
    return typeof value === 'string' ? value : ''
  }
  const licence = told('license')
  if (licence === '') throw new Error(`${folder}/package.json names no licence`)
  const texts = readdirSync(where)
    .filter((name) => TEXT.test(name) && !/\.(?:js|ts|json)$/.test(name))
    .toSorted()
    .map((name) => readFileSync(join(where, name), 'utf8'))
  return {
    name: told('name'),
    version: told('version'),
    licence,
    texts: texts.length > 0 ? texts : [withoutText(told('name'), licence, manifest)],
  }
}

/** Few packages name their licence only. Of others than MIT somebody has to find the text. */
function withoutText(name: string, licence: string, manifest: unknown): string {
  if (licence !== 'MIT') throw new Error(`${name} has no text of its licence, ${licence}`)
  const author = JSON.stringify(
    (manifest !== null && typeof manifest === 'object' && Reflect.get(manifest, 'author')) || name,
  )
  return `Its package.json says: MIT, by ${author}.\n\n${MIT}`
}

const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation
the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and
to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of
the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO
THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF
CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS
IN THE SOFTWARE.
`

/** The messages of Envoy's API, which the bundle holds as data. */
export function envoyApiPart(): Part {
  const folder = join(ROOT, 'proto', 'envoy-api')
  return {
    name: 'envoy-api',
    version: /`envoy-types` ([\d.]+)/.exec(readFileSync(join(folder, 'SOURCES.md'), 'utf8'))?.[1] ?? '',
    licence: 'Apache-2.0',
    texts: [readFileSync(join(folder, 'SOURCES.md'), 'utf8'), readFileSync(join(folder, 'LICENSE'), 'utf8')],
  }
}

/** Node's licence holds those of all that is linked into it. @param folder of the package that brings Node */
export function nodePart(folder: string, version: string): Part {
  return { name: 'node', version, licence: 'MIT', texts: [readFileSync(join(folder, 'LICENSE'), 'utf8')] }
}

const ENVOY_TEXTS = join(import.meta.dirname, 'envoy-licences')

/** Envoy and what is linked into it, each a text of `envoy-licences/`. */
export function envoyPart(version: string): Part {
  const names = existsSync(ENVOY_TEXTS) ? readdirSync(ENVOY_TEXTS).toSorted() : []
  return {
    name: 'envoy',
    version,
    licence: 'Apache-2.0',
    texts: names.map((name) => readFileSync(join(ENVOY_TEXTS, name), 'utf8')),
  }
}

/** All of it as one text file. */
export function licencesText(parts: readonly Part[]): string {
  const head = parts.map(({ name, version, licence }) => `  ${name} ${version}: ${licence}`).join('\n')
  const rule = '='.repeat(100)
  const texts = parts.map(
    ({ name, version, licence, texts: own }) =>
      `${rule}\n${name} ${version} (${licence})\n${rule}\n\n${own.map((text) => text.trimEnd()).join('\n\n')}\n`,
  )
  return `Sallyport is licensed under Apache-2.0 (LICENSE). In it are these parts of others:\n\n${head}\n\n${texts.join('\n')}`
}
