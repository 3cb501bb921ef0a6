/**
 * Settings of oauth2-proxy, from whichever of its forms: a .cfg file, variables, flags, a compose file, or
 * the YAML of its newer structure.
 *
 * @module
 */
import { parse, TomlError } from 'smol-toml'
import { isKeyed, readYaml } from '../../../config/file/yaml-file.ts'
import { Fault } from '../../../errors.ts'
import { Remarks, type SourceFile } from '../draft.ts'

export interface GivenValue {
  readonly values: readonly string[]
  readonly line: number | undefined
}

export interface GivenSettings {
  /** By the name of the key in the .cfg file. */
  readonly values: ReadonlyMap<string, GivenValue>
  /** The newer structure, where there is one. */
  readonly alpha: Readonly<Record<string, unknown>> | undefined
  readonly remarks: Remarks
}

/** Flags name one value, the file a list. */
const LISTS: Readonly<Record<string, string>> = {
  allowed_group: 'allowed_groups',
  allowed_role: 'allowed_roles',
  api_route: 'api_routes',
  cookie_domain: 'cookie_domains',
  email_domain: 'email_domains',
  extra_jwt_issuer: 'extra_jwt_issuers',
  gitlab_project: 'gitlab_projects',
  google_group: 'google_groups',
  keycloak_group: 'keycloak_groups',
  oidc_extra_audience: 'oidc_extra_audiences',
  scopes: 'scope',
  skip_auth_route: 'skip_auth_routes',
  trusted_ip: 'trusted_ips',
  upstream: 'upstreams',
  whitelist_domain: 'whitelist_domains',
}

const TEXTS_WITH_COMMAS = new Set([
  'client_secret',
  'cookie_secret',
  'scope',
  'acr_values',
  'redis_connection_url',
])

export const keyOf = (name: string): string => {
  const key = name.replace(/^-+/, '').replaceAll('-', '_').toLowerCase()
  return LISTS[key] ?? key
}

type Found = Map<string, { readonly values: string[]; readonly line: number | undefined }>

/** @throws {Fault} USAGE for what is none of them */
export function readFiles(files: readonly SourceFile[]): GivenSettings {
  const all = new Map<string, GivenValue>()
  let alpha: GivenSettings['alpha']
  for (const source of files) {
    const read = readFile(source)
    alpha ??= read.alpha
    for (const [key, value] of read.found) if (!all.has(key)) all.set(key, value)
  }
  const [main] = files
  const remarks = new Remarks(main?.file ?? '', (key) => all.get(key)?.line)
  if (all.size === 0 && alpha === undefined)
    throw new Fault('USAGE', `${main?.file ?? ''} has no setting of oauth2-proxy`)
  return { values: all, alpha, remarks }
}

function readFile({ file, text }: SourceFile): { found: Found; alpha?: Readonly<Record<string, unknown>> } {
  if (/\.ya?ml$/i.test(file)) return readYamlFile(file, text)
  if (/^\s*--[a-z]/m.test(text)) return { found: readFlags(text) }
  if (/^\s*(?:export\s+)?OAUTH2_PROXY_\w+=/m.test(text)) return { found: readVariables(text.split('\n')) }
  return { found: readToml(file, text) }
}

function readToml(file: string, text: string): Found {
  const lines = text.split('\n')
  try {
    const found: Found = new Map()
    for (const [name, value] of Object.entries(parse(text))) {
      const pattern = new RegExp(`^\\s*"?${name.replaceAll(/\W/g, '\\$&')}"?\\s*=`)
      const line = lines.findIndex((each) => pattern.test(each)) + 1
      found.set(keyOf(name), { values: textsOf(value), line: line === 0 ? undefined : line })
    }
    return found
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [reason = ''] = error.message.split('\n')
    throw new Fault('USAGE', `${file}:${error.line}: ${reason}`, { cause: error })
  }
}

const textsOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).flatMap((each: unknown) =>
    ['string', 'number', 'boolean'].includes(typeof each) ? [String(each)] : [],
  )

function add(found: Found, name: string, text: string, line: number | undefined): void {
  const key = keyOf(name)
  const values = TEXTS_WITH_COMMAS.has(key) ? [text] : text.split(',').map((each) => each.trim())
  const known = found.get(key)
  if (known === undefined) found.set(key, { values, line })
  else known.values.push(...values)
}

const unquoted = (text: string): string => /^(["'])(.*)\1$/s.exec(text.trim())?.[2] ?? text.trim()

function readVariables(lines: readonly string[], firstLine = 1): Found {
  const found: Found = new Map()
  for (const [index, line] of lines.entries()) {
    const [, name, value] = /^\s*(?:export\s+)?OAUTH2_PROXY_(\w+)\s*=(.*)$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) add(found, name, unquoted(value), firstLine + index)
  }
  return found
}

/** As in a file of arguments, or a command line that was put into one. */
function readFlags(text: string): Found {
  const found: Found = new Map()
  for (const [index, line] of text.split('\n').entries())
    for (const [, name = '', value] of line.matchAll(
      /(?<!\S)--([a-z][\w-]*)(?:[= ](?!-)("[^"]*"|'[^']*'|[^\s\\]+))?/g,
    ))
      add(found, name, unquoted(value ?? 'true'), index + 1)
  return found
}

const ALPHA_KEYS = ['providers', 'upstreamConfig', 'injectRequestHeaders', 'injectResponseHeaders', 'server']

function readYamlFile(
  file: string,
  text: string,
): { found: Found; alpha?: Readonly<Record<string, unknown>> } {
  const { value, mistakes, locate } = readYaml(text)
  const [mistake] = mistakes
  if (mistake !== undefined) throw new Fault('USAGE', `${file}:${mistake.line}: ${mistake.message}`)
  if (!isKeyed(value)) throw new Fault('USAGE', `${file} is no map of keys`)
  if (ALPHA_KEYS.some((key) => Object.hasOwn(value, key))) return { found: new Map(), alpha: value }
  const services = value['services']
  if (!isKeyed(services))
    throw new Fault(
      'USAGE',
      `${file} has neither the structure of oauth2-proxy nor services of a compose file`,
    )
  const found: Found = new Map()
  for (const [name, service] of Object.entries(services)) {
    if (!isKeyed(service)) continue
    const environment = service['environment']
    const line = locate(['services', name]).line
    const variables = isKeyed(environment)
      ? Object.entries(environment).map(([key, given]) => `${key}=${String(given)}`)
      : textsOf(environment)
    const isProxy = /oauth2[-_]proxy/.test(`${textsOf(service['image']).join('')} ${name}`)
    for (const [key, given] of readVariables(variables)) found.set(key, { ...given, line })
    if (!isProxy) continue
    const command = service['command']
    for (const [key, given] of readFlags(textsOf(command).join('\n'))) found.set(key, { ...given, line })
  }
  return { found }
}
