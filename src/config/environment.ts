/**
 * Global keys from variables of the environment: `IDP_CLIENT_SECRET` for `idp_client_secret`.
 *
 * Container set-ups give settings so, Pomerium's among them. The file wins: what it says of a key, or of its
 * twin `…_file`, is not looked for in the environment.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { z } from 'zod'
import type { Mistake } from './config.ts'
import { readYaml } from './file/yaml-file.ts'
import { SETTINGS_SECTIONS } from './keys/settings-schema.ts'
import { writtenForm } from './values/text-lists.ts'

type Raw = Readonly<Record<string, unknown>>

/**
 * Sections whose keys are too common as names of variables, such as `RECORDS`, and which no set-up of another
 * proxy gives so.
 */
const IN_FILES_ONLY: ReadonlySet<string> = new Set([
  'Directory',
  'Machines',
  'Lookups',
  'Policies',
  'Policy tests',
])

/** By the name of the variable. */
const KEYS: readonly { readonly variable: string; readonly key: string; readonly schema: z.ZodType }[] =
  SETTINGS_SECTIONS.flatMap(({ title, keys }) =>
    IN_FILES_ONLY.has(title)
      ? []
      : Object.entries<z.ZodType>(keys).map(([key, schema]) => ({
          variable: key.toUpperCase(),
          key,
          schema,
        })),
  )

function isWritten(file: Raw, key: string): boolean {
  const base = key.replace(/_file$/, '')
  return Object.hasOwn(file, base) || Object.hasOwn(file, `${base}_file`)
}

/** The forms that a key may be written in. */
function formsOf(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  const form = writtenForm(schema)
  return form instanceof z.ZodUnion ? form.def.options.flatMap(formsOf) : [form]
}

/** Text stands for other kinds of values as well. Of a wrong form it stays text, which is a mistake then. */
function valueOf(text: string, schema: z.ZodType): { readonly value: unknown } | { readonly wrong: string } {
  const forms = formsOf(schema)
  if (forms.some((form) => form instanceof z.ZodBoolean)) {
    if (/^(?:1|t|true)$/i.test(text)) return { value: true }
    if (/^(?:0|f|false)$/i.test(text)) return { value: false }
  }
  if (forms.some((form) => form instanceof z.ZodNumber) && /^-?\d+(?:\.\d+)?$/.test(text))
    return { value: Number(text) }
  // A list of texts may be a text, which is read later.
  const mayBeJson = forms.some(
    (form) => form instanceof z.ZodArray || form instanceof z.ZodRecord || form instanceof z.ZodObject,
  )
  if (!mayBeJson || !/^\s*[[{]/.test(text)) return { value: text }
  const { value, mistakes } = readYaml(text)
  return mistakes.length === 0 ? { value } : { wrong: 'must be a map or a list in JSON' }
}

/** @param file the global keys that the file has; `keys` of the answer are those that it has not */
export function fromEnvironment(
  file: Raw,
  env: Readonly<Record<string, string | undefined>>,
): {
  readonly keys: Raw
  readonly variables: ReadonlyMap<string, string>
  readonly mistakes: readonly Mistake[]
} {
  const keys: Record<string, unknown> = {}
  const mistakes: Mistake[] = []
  const variables = new Map<string, string>()
  for (const { variable, key, schema } of KEYS) {
    const text = env[variable]
    if (text === undefined || text === '' || isWritten(file, key)) continue
    const read = valueOf(text, schema)
    if ('wrong' in read) mistakes.push({ path: [key], message: read.wrong })
    else keys[key] = read.value
    variables.set(key, variable)
  }
  return { keys, variables, mistakes }
}

/**
 * Routes from `ROUTES` and `POLICY`: a list in YAML, as base64. Only where the file has neither list.
 *
 * @returns nothing for a variable that holds something else, since other programs may have one of that name
 */
export function routesFromEnvironment(
  file: Raw,
  env: Readonly<Record<string, string | undefined>>,
): { readonly lists: Raw; readonly variables: ReadonlyMap<string, string> } {
  const lists: Record<string, unknown> = {}
  const variables = new Map<string, string>()
  const isListed = ['routes', 'policy'].some((list) => (file[list] ?? null) !== null)
  for (const list of isListed ? [] : ['policy', 'routes']) {
    const variable = list.toUpperCase()
    const text = (env[variable] ?? '').replaceAll(/\s/g, '')
    if (text === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) continue
    const { value, mistakes } = readYaml(Buffer.from(text, 'base64').toString())
    if (mistakes.length > 0 || !Array.isArray(value)) continue
    lists[list] = value
    variables.set(list, variable)
  }
  return { lists, variables }
}
