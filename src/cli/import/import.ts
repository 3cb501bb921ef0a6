/**
 * `sallyport import`: another program's configuration as one of ours.
 *
 * The configuration goes to standard output, and what is not the same to standard error as well as into it.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { isKeyed, readYaml } from '../../config/file/yaml-file.ts'
import { isHostName } from '../../config/values/host-name.ts'
import { Fault, reasonOf } from '../../errors.ts'
import { count } from '../table.ts'
import { isAuthelia, translateAuthelia } from './authelia/translate.ts'
import { type Draft, Remarks, remarkLine, type SourceFile, writeDraft } from './draft.ts'
import { readFiles } from './oauth2-proxy/read.ts'
import { translateOauth2Proxy } from './oauth2-proxy/translate.ts'
import type { ImportOrigin } from './origins.ts'

export interface ImportOptions {
  readonly file: string
  readonly with?: readonly string[] | undefined
  readonly upstream?: readonly string[] | undefined
  readonly host?: string | undefined
}

interface Streams {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

/** @throws {Fault} USAGE, CONFIG_UNREADABLE for files that are none of that program */
export function importFrom(
  origin: ImportOrigin,
  options: ImportOptions,
  { stdout, stderr }: Streams,
): number {
  const files = [options.file, ...(options.with ?? [])].map((file) => ({ file, text: readText(file) }))
  const upstreams = upstreamsOf(options.upstream ?? [])
  const draft = draftOf(origin, files, { upstreams, host: options.host })
  stdout.write(writeDraft(draft, basename(options.file)))
  for (const remark of draft.remarks) stderr.write(`${remarkLine(remark)}\n`)
  stderr.write(
    `${count(draft.routes.length, 'route')}; ${draft.remarks.length === 0 ? 'all was kept' : `${count(draft.remarks.length, 'remark')}, also in the file`}\n`,
  )
  return 0
}

export function draftOf(
  origin: ImportOrigin,
  files: readonly SourceFile[],
  given: { readonly upstreams: ReadonlyMap<string, string>; readonly host?: string | undefined },
): Draft {
  if (origin === 'oauth2-proxy') return translateOauth2Proxy(readFiles(files), given)
  const [main, another] = files
  if (main === undefined || another !== undefined)
    throw new Fault('USAGE', 'authelia is imported from one file')
  const { value, mistakes, locate } = readYaml(main.text)
  const [mistake] = mistakes
  if (mistake !== undefined) throw new Fault('USAGE', `${main.file}:${mistake.line}: ${mistake.message}`)
  if (!isKeyed(value) || !isAuthelia(value))
    throw new Fault('USAGE', `${main.file} is no configuration of Authelia: it has no access_control`)
  const lineOf = (path: readonly (string | number)[]) => lineAt(value, path, locate)
  return translateAuthelia(value, new Remarks(main.file, () => undefined), lineOf, given.upstreams)
}

/** Of what is not there, nothing. */
function lineAt(
  value: unknown,
  path: readonly (string | number)[],
  locate: (path: readonly (string | number)[]) => { readonly line: number },
): number | undefined {
  let found = value
  for (const step of path) {
    if (Array.isArray(found) && typeof step === 'number') found = found[step]
    else if (isKeyed(found)) found = found[step]
    else return undefined
  }
  return found === undefined ? undefined : locate(path).line
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Fault('USAGE', `${file} cannot be read: ${reasonOf(error)}`, { cause: error })
  }
}

function upstreamsOf(given: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    given.map((text) => {
      const [host = '', ...rest] = text.split('=')
      const url = rest.join('=')
      const isHost = isHostName(host.replace(/^\*\./, ''))
      if (!isHost || !URL.canParse(url))
        throw new Fault(
          'USAGE',
          `--upstream takes HOST=URL, such as wiki.example.com=http://wiki:3000, not "${text}"`,
        )
      return [host.toLowerCase(), url] as const
    }),
  )
}
