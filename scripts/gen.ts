/**
 * Makes what is derived: from the schema of the configuration `config.schema.json` for editors and
 * `docs/configuration.md` for readers, from the criteria `docs/policy-reference.md`
 * and a table of `docs/policy.md`, from the imports `docs/features-and-rooms.md`. With `--check` it writes
 * nothing and exits 1 when either would change.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { PolicyText } from '../src/config/keys/policy/policy-keys.ts'
import { ROUTE_SECTIONS, RouteKeys } from '../src/config/keys/route-schema.ts'
import { SETTINGS_SECTIONS, SettingsKeys } from '../src/config/keys/settings-schema.ts'
import { UNSUPPORTED_ROUTE_KEYS, UNSUPPORTED_SETTINGS } from '../src/config/keys/unsupported-keys.ts'
import { isTextList } from '../src/config/values/text-lists.ts'
import { featureMap } from './feature-map.ts'
import { withMissingFacts } from './missing-facts-table.ts'
import { policyReference } from './policy-reference.ts'
import { POLICY, policyDefinitions } from './policy-schema.ts'

const ROOT = join(import.meta.dirname, '..')

/** The whole file: the global keys and the two lists of routes. */
const File = SettingsKeys.extend({
  routes: z
    .array(RouteKeys)
    .optional()
    .meta({ description: 'The protected applications, in the order of matching.' }),
  policy: z.array(RouteKeys).optional().meta({ description: 'Older name of `routes`; these come first.' }),
})

type JsonSchema = z.core.JSONSchema.BaseSchema

/** @param policy what a policy is told to be, for editors */
function jsonSchemaOf(schema: z.ZodType, policy?: JsonSchema[]): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    // Zod leaves out the examples of keys that are transformed; ours are of the input.
    override: ({ zodSchema, jsonSchema }) => {
      const examples = z.globalRegistry.get(zodSchema)?.['examples']
      if (Array.isArray(examples)) jsonSchema.examples = examples
      if (zodSchema === PolicyText && policy !== undefined) jsonSchema.anyOf = policy
      if (policy !== undefined && jsonSchema.type === 'array' && isTextList(zodSchema))
        Object.assign(jsonSchema, { type: ['string', 'array'] })
    },
  })
}

function editorSchema(): string {
  const file = jsonSchemaOf(File, POLICY)
  const $defs = { ...file.$defs, ...policyDefinitions() }
  const schema = { ...file, $defs, title: 'Sallyport configuration' }
  return `${JSON.stringify(schema, null, 2)}\n`
}

function referencePage(): string {
  return [
    '# Configuration reference',
    '',
    '<!-- Made by `npm run gen:config` from src/config/; edit the schema, not this page. -->',
    '',
    ...INTRODUCTION,
    '## Global keys',
    '',
    ...SETTINGS_SECTIONS.flatMap(({ title, keys }) => section(title, keys)),
    '## Keys of a route',
    '',
    'Each entry of `routes` is a map of these keys. Only `from` and one of `to`, `redirect` and `response` are needed.',
    '',
    ...ROUTE_SECTIONS.flatMap(({ title, keys }) => section(title, keys)),
    '## Keys that are refused',
    '',
    'These are known, and refused with a pointer instead of being ignored.',
    '',
    '### Globally',
    '',
    ...refused(UNSUPPORTED_SETTINGS),
    '### On a route',
    '',
    ...refused(UNSUPPORTED_ROUTE_KEYS),
  ].join('\n')
}

const INTRODUCTION = [
  'One YAML file, `config.yaml`. `sallyport validate` reports all of its mistakes at once, each with line and column.',
  'A running Sallyport takes a changed file in well under a second, and keeps the last good one when the new one is wrong.',
  '',
  'A first line such as this lets editors complete and explain the keys:',
  '',
  '```yaml',
  '# yaml-language-server: $schema=./config.schema.json',
  'authenticate_service_url: https://authenticate.example.com',
  'idp_provider: oidc',
  'idp_provider_url: https://idp.example.com/realms/main',
  'idp_client_id: sallyport',
  'idp_client_secret: env:IDP_CLIENT_SECRET',
  'routes:',
  '  - from: https://wiki.example.com',
  '    to: http://wiki:8080',
  '    policy:',
  '      - allow: { and: [{ domain: { is: example.com } }] }',
  '```',
  '',
  '- **Durations** are texts with units: `30s`, `1m30s`, `500ms`; `0s` is no limit.',
  '- **Secrets, certificates and keys** are given as they are, as `env:NAME` (an environment variable), as `file:path`, or by',
  '  the key with `_file` behind its name. Paths are relative to the folder of the config file. Line breaks at the end of a',
  '  file are not part of a secret. Referenced files are watched too.',
  '- **Lists of texts** may be one text with commas: `allowed_users: alice@example.com, bob@example.com`. Scopes may have spaces.',
  '- **Environment variables** give global keys that the file does not have: `IDP_CLIENT_SECRET` for `idp_client_secret`,',
  '  `IDP_CLIENT_SECRET_FILE` for a file. Maps are JSON. The file wins; `sallyport validate` names each key that comes from there.',
  '  The sections Directory, Machines, Lookups, Policies and Policy tests, and `routes`, are read from the file only.',
  '- **Unknown keys** are mistakes, and so are keys given twice.',
  '- YAML anchors, aliases and merge keys (`<<`) work within the file.',
  '',
]

function section(title: string, keys: Readonly<Record<string, z.ZodType>>): string[] {
  const rows = Object.entries(keys).flatMap(([key, schema]) => rowsOf(key, jsonSchemaOf(schema), schema))
  return [`### ${title}`, '', '| key | value | default | meaning |', '|---|---|---|---|', ...rows, '']
}

/** A row for the key, and one for each key below it. */
function rowsOf(path: string, json: JsonSchema, schema?: z.ZodType): string[] {
  const fallback =
    json.default === undefined || isEmpty(json.default) ? '' : `\`${JSON.stringify(json.default)}\``
  const isNeeded = schema !== undefined && !schema.safeParse(undefined).success
  const needed = isNeeded ? '**required**' : fallback
  const description = json.description ?? ''
  const example = json.examples?.[0]
  const shown = example === undefined ? '' : ` Example: \`${JSON.stringify(example)}\`.`
  const row = `| \`${path}\` | ${cell(kindOf(json))} | ${cell(needed)} | ${cell(description + shown)} |`
  return [row, ...nestedOf(path, json)]
}

function itemOf(json: JsonSchema): JsonSchema | undefined {
  const { items } = json
  return typeof items === 'object' && !Array.isArray(items) ? items : undefined
}

/** What each value of a map with names of the operator's own is. */
function valueOf(json: JsonSchema): JsonSchema | undefined {
  const { additionalProperties: value } = json
  return typeof value === 'object' && value.properties !== undefined ? value : undefined
}

function nestedOf(path: string, json: JsonSchema): string[] {
  const value = valueOf(json)
  if (value !== undefined) return nestedOf(`${path}.<name>`, value)
  const map = json.anyOf?.find(({ properties }) => properties !== undefined)
  if (map !== undefined) return nestedOf(path, map)
  const item = itemOf(json) ?? json
  const below = item === json ? path : `${path}[]`
  if (item.oneOf !== undefined) return choicesOf(below, item.oneOf)
  return Object.entries(item.properties ?? {}).flatMap(([key, nested]) => {
    if (typeof nested !== 'object') return []
    const row = rowsOf(`${below}.${key}`, nested)
    return item.required?.includes(key) === true
      ? [row[0]?.replace(/\| {2}\|/, '| **required** |') ?? '', ...row.slice(1)]
      : row
  })
}

/** Maps that are told apart by their `type`: the keys that all have once, then those of each. */
function choicesOf(path: string, choices: readonly JsonSchema[]): string[] {
  const rows = choices.map((choice) => {
    const { type } = choice.properties ?? {}
    const name = typeof type === 'object' ? String(type.const) : ''
    const { type: _told, ...properties } = choice.properties ?? {}
    const description = typeof type === 'object' ? (type.description ?? '') : ''
    return { name, description, rows: nestedOf(path, { ...choice, properties }) }
  })
  const isCommon = (row: string) => rows.every((choice) => choice.rows.includes(row))
  const common = (rows[0]?.rows ?? []).filter(isCommon)
  return [
    ...common,
    ...rows.flatMap(({ name, description, rows: own }) => [
      `| \`${path}.type\` | \`${JSON.stringify(name)}\` | **required** | ${cell(description)} |`,
      ...own
        .filter((row) => !isCommon(row))
        .map((row) => row.replace(`\`${path}.`, `\`${path.replace(/\[\]$/, '')}[${name}].`)),
    ]),
  ]
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function kindOf(json: JsonSchema): string {
  if (json.const !== undefined) return `\`${JSON.stringify(json.const)}\``
  if (json.enum !== undefined) {
    const distinct = [
      ...new Set(
        json.enum.map((value) => (isShouted(value, json.enum) ? String(value).toLowerCase() : String(value))),
      ),
    ]
    return distinct.map((value) => `\`${value}\``).join(', ')
  }
  if (json.anyOf !== undefined) return [...new Set(json.anyOf.map((one) => kindOf(one)))].join(' or ')
  switch (json.type) {
    case 'array':
      return `list of ${kindOf(itemOf(json) ?? {})}`
    case 'object':
      return 'map'
    case 'integer':
      return 'whole number'
    case 'boolean':
      return 'true, false'
    case 'string':
      return json.pattern?.includes('(ns|us') === true ? 'duration' : 'text'
    case 'number':
    case 'null':
    case undefined:
      break
  }
  return 'any'
}

/** Choices that are taken in both cases are shown in one. */
function isShouted(value: unknown, among: readonly unknown[] = []): boolean {
  return typeof value === 'string' && value !== value.toLowerCase() && among.includes(value.toLowerCase())
}

function refused(
  table: Readonly<Record<string, { readonly when: string; readonly instead: string }>>,
): string[] {
  const byAdvice = Map.groupBy(
    Object.entries(table),
    ([, { when, instead }]) => `${when === 'later' ? 'not yet' : 'no'} | ${cell(instead)}`,
  )
  const rows = [...byAdvice].map(
    ([advice, keys]) => `| ${keys.map(([key]) => `\`${key}\``).join(' ')} | ${advice} |`,
  )
  return ['| keys | supported | what to do |', '|---|---|---|', ...rows, '']
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** Written by hand but for one table. */
const PAGE = 'docs/policy.md'

const OUTPUTS = [
  { path: 'config.schema.json', make: editorSchema },
  { path: 'docs/configuration.md', make: referencePage },
  { path: 'docs/policy-reference.md', make: policyReference },
  { path: 'docs/features-and-rooms.md', make: featureMap },
  { path: PAGE, make: () => withMissingFacts(current(PAGE) ?? '') },
] as const

function current(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8')
  } catch {
    return undefined
  }
}

const isCheck = process.argv.includes('--check')
for (const { path, make } of OUTPUTS) {
  const text = make()
  if (current(path) === text) continue
  if (isCheck) {
    process.stderr.write(`${path} differs from what the source says; run \`npm run gen:config\`\n`)
    process.exitCode = 1
  } else {
    writeFileSync(join(ROOT, path), text)
    process.stdout.write(`wrote ${path}\n`)
  }
}
