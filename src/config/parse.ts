/**
 * Text → `Config`, or all mistakes at once, each with its place.
 *
 * Pure: files and environment variables are read through what the caller hands in.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import type { Config, ConfigPath, Mistake, Problem, Route, Settings } from './config.ts'
import { fromEnvironment, routesFromEnvironment } from './environment.ts'
import type { ParseMemory } from './file/parse-memory.ts'
import { isKeyed, readYaml, type YamlFile } from './file/yaml-file.ts'
import { bearerMistakes } from './keys/credentials/bearer-rules.ts'
import { clientCertificateMistakes, mtlsOf } from './keys/credentials/client-certificate-rules.ts'
import { policyTestRules } from './keys/policy/policy-test-rules.ts'
import { routeMistakes } from './keys/route-rules.ts'
import { mistakesBeside, RouteDraft, RouteKeys, readRoute } from './keys/route-schema.ts'
import { grpcHealthChecksSpeakHttp2, type PlacedRoute, routesHaveOneIdentityEach } from './keys/rules.ts'
import { settingsMistakes } from './keys/settings-rules.ts'
import { SettingsKeys } from './keys/settings-schema.ts'
import {
  clientIsFilledIn,
  clientsAreTold,
  directoriesNameProviders,
  routesNameProviders,
} from './keys/sign-in/provider-rules.ts'
import { routesOnlyShortenSessions } from './keys/sign-in/session-rules.ts'
import {
  UNSUPPORTED_POLICY_KEYS,
  UNSUPPORTED_ROUTE_KEYS,
  UNSUPPORTED_RUNTIME_FLAGS,
  UNSUPPORTED_SETTINGS,
  withoutHarmless,
} from './keys/unsupported-keys.ts'
import { tokensStayOutOfTheLog } from './keys/upstream/token-rules.ts'
import { checkKeys, type Raw, ROUTE_LISTS, routeIdOf, settingsOf, withoutEmptyRules } from './raw-keys.ts'
import { resolveSettings } from './resolve.ts'
import { Resolver } from './resolver.ts'
import { movedTo } from './routing/moved-route.ts'
import { underSecondHost } from './routing/second-host.ts'
import { freezeDeep } from './values/freeze.ts'
import { parseOrigin } from './values/origin.ts'
import { Reader, withoutReferences } from './values/reference.ts'
import { textListsOf } from './values/text-lists.ts'

/** A check of another room, such as the policy compiler. Its paths start with `'routes', index`. */
/** @param told global keys of which a mistake is told already, so that they seem not to be set */
type ConfigCheck = (config: Config, told: ReadonlySet<string>) => readonly Mistake[]

export interface ParseOptions {
  /** Name for messages; relative paths in the file are relative to its folder. */
  readonly file?: string
  /** Throws when the file cannot be read. */
  readonly readFile?: (path: string) => string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly generation?: number
  /**
   * For checks where secrets are not to be had, as in a pipeline: what can't be read in the environment or in
   * another file is taken for good. Never of a configuration that is served.
   */
  readonly withoutSecrets?: boolean | undefined
  /**
   * What was cut off before its routes is valid YAML, and would take all apps away: a whole file lists them.
   */
  readonly isWholeFile?: boolean
  readonly checks?: readonly ConfigCheck[]
  /** Run where nothing else is wrong: of half a configuration they would tell nonsense. */
  readonly tests?: ConfigCheck
  /** Of earlier parses of the same file; makes this one quick. */
  readonly memory?: ParseMemory
}

export type ParseResult = ({ readonly config: Config } | { readonly problems: readonly Problem[] }) & {
  /** Absolute or as joined to the folder of the file: each file that the text refers to, readable or not. */
  readonly files: readonly string[]
  /** Global key → the variable of the environment that gives it. */
  readonly fromEnvironment: ReadonlyMap<string, string>
}

/** Keys that are known and refused below a global key. */
const UNSUPPORTED_BELOW: Readonly<Record<string, typeof UNSUPPORTED_SETTINGS>> = {
  runtime_flags: UNSUPPORTED_RUNTIME_FLAGS,
  policies: UNSUPPORTED_POLICY_KEYS,
}

const withSettingsLists = textListsOf(SettingsKeys)
const withRouteLists = textListsOf(RouteDraft)

export function parseConfig(text: string, options: ParseOptions = {}): ParseResult {
  const file = options.file ?? 'config.yaml'
  const reader = new Reader({
    folder: dirname(file),
    readFile: options.readFile ?? refuseToRead,
    withoutSecrets: options.withoutSecrets === true,
    env: options.env ?? {},
  })
  const yaml = options.memory?.read(text) ?? readYaml(text)
  const attempt = yaml.mistakes.length > 0 ? undefined : new Attempt(yaml, file, reader, options.memory)
  const problems =
    attempt === undefined
      ? yaml.mistakes.map(({ message, line, column }) => ({ file, line, column, path: [], message }))
      : attempt.run(checksumOf(text, reader), options)
  const read = { files: [...reader.files.keys()], fromEnvironment: attempt?.variables ?? new Map() }
  return attempt?.config === undefined || problems.length > 0
    ? { problems, ...read }
    : { config: attempt.config, ...read }
}

function refuseToRead(): never {
  throw new Error('files cannot be read here')
}

function checksumOf(text: string, reader: Reader): () => string {
  return () => {
    const hash = createHash('sha256').update(text)
    for (const [path, read] of reader.written) hash.update(`\0${path}\0${'value' in read ? read.value : ''}`)
    for (const [name, value] of reader.variables) hash.update(`\0${name}\0${value ?? ''}`)
    return hash.digest('hex')
  }
}

/** One run over one file; collects as it goes. */
class Attempt {
  config: Config | undefined
  /** Global key → the variable that gives it. */
  variables: ReadonlyMap<string, string> = new Map()
  readonly #yaml: YamlFile
  readonly #file: string
  readonly #reader: Reader
  readonly #memory: ParseMemory | undefined
  readonly #mistakes: Mistake[] = []
  #areProvidersRead = true

  constructor(yaml: YamlFile, file: string, reader: Reader, memory: ParseMemory | undefined) {
    this.#memory = memory
    this.#yaml = yaml
    this.#file = file
    this.#reader = reader
  }

  run(checksum: () => string, options: ParseOptions): Problem[] {
    const { value } = this.#yaml
    if (value === null || value === undefined) {
      this.#fail([], 'the file is empty; it needs at least `routes`')
      return this.#problems()
    }
    if (!isKeyed(value)) {
      this.#fail([], 'must be a map of keys at the top level')
      return this.#problems()
    }
    const read = this.#readSettings(value)
    const { lists, variables } = routesFromEnvironment(value, this.#reader.env)
    for (const variable of variables.values()) this.#reader.noteVariable(variable)
    this.variables = new Map([...this.variables, ...variables])
    const listed = { ...value, ...lists }
    if (options.isWholeFile === true && ROUTE_LISTS.every((list) => (listed[list] ?? null) === null))
      this.#fail(
        Object.hasOwn(value, 'routes') ? ['routes'] : [],
        'lists no `routes`; write `routes: []` if there are none yet',
      )
    const drafted = ROUTE_LISTS.flatMap((list) => this.#readRoutes(list, listed[list]))
    const settings = { ...read, downstream_mtls: mtlsOf(read, drafted) }
    this.#judgeTogether(settings, drafted, value)
    const config: Config = freezeDeep({
      generation: options.generation ?? 1,
      checksum: checksum(),
      file: this.#file,
      settings,
      routes: drafted.map(({ route }) => route),
    })
    const told = this.#keysTold()
    for (const check of options.checks ?? []) this.#take(check(config, told), drafted)
    if (this.#mistakes.length === 0) this.#take(options.tests?.(config, told) ?? [], drafted)
    if (this.#mistakes.length === 0) this.config = config
    return this.#problems()
  }

  #fail(path: ConfigPath, message: string): void {
    this.#mistakes.push({ path, message })
  }

  #keysTold(): ReadonlySet<string> {
    return new Set(this.#mistakes.map(({ path: [key] }) => String(key)))
  }

  #readSettings(value: Raw): Settings {
    const written = settingsOf(value)
    const { keys: given, variables, mistakes: odd } = fromEnvironment(written, this.#reader.env)
    for (const variable of variables.values()) this.#reader.noteVariable(variable)
    this.variables = variables
    const raw = withSettingsLists({ ...given, ...written })
    const { keys, mistakes } = checkKeys(
      SettingsKeys,
      SettingsKeys,
      raw,
      ({ length, 0: first }) =>
        length === 0 ? UNSUPPORTED_SETTINGS : (UNSUPPORTED_BELOW[String(first)] ?? {}),
      ROUTE_LISTS,
    )
    const resolver = new Resolver(this.#reader)
    const settings = resolveSettings(keys, resolver)
    this.#areProvidersRead = !Object.hasOwn(raw, 'sign_in_providers') || keys.sign_in_providers !== undefined
    this.#mistakes.push(
      ...odd,
      ...mistakes,
      ...settingsMistakes(keys, raw),
      ...resolver.mistakes,
      ...clientIsFilledIn(settings, raw),
    )
    return settings
  }

  #readRoutes(list: (typeof ROUTE_LISTS)[number], value: unknown): PlacedRoute[] {
    if (value === undefined || value === null) return []
    if (!Array.isArray(value)) {
      this.#fail([list], 'must be a list of routes')
      return []
    }
    return value.flatMap((raw: unknown, index) => {
      const placed = this.#readRoute([list, index], raw)
      if (placed === undefined) return []
      const second = underSecondHost(placed.route)
      return second === undefined ? [placed] : [placed, { path: placed.path, route: second }]
    })
  }

  #readRoute(path: ConfigPath, entry: unknown): PlacedRoute | undefined {
    if (!isKeyed(entry)) {
      this.#fail(path, 'must be a map of keys, beginning with `from`')
      return undefined
    }
    const position = { file: this.#file, ...this.#yaml.locate(path) }
    const known = this.#memory?.routeOf(entry)
    if (known !== undefined) return { path, route: movedTo(known, position) }
    const raw = withRouteLists(withoutHarmless(withoutEmptyRules(entry), UNSUPPORTED_ROUTE_KEYS))
    const { keys, mistakes } = checkKeys<RouteDraft>(RouteKeys, RouteDraft, raw, (at) =>
      at.length === 0 ? UNSUPPORTED_ROUTE_KEYS : at[0] === 'sub_policies' ? UNSUPPORTED_POLICY_KEYS : {},
    )
    const resolver = new Resolver(this.#reader)
    const read = readRoute(keys, resolver)
    const all = [...mistakes, ...routeMistakes(keys, raw), ...resolver.mistakes]
    for (const mistake of all) this.#mistakes.push({ ...mistake, path: [...path, ...mistake.path] })
    const written = keys.from === undefined ? undefined : parseOrigin(keys.from)
    // Without a host it is still judged for all its other mistakes.
    const origin = written === undefined || 'wrong' in written ? NO_ORIGIN : written
    const route: Route = freezeDeep({
      ...withoutReferences(keys),
      from: keys.from ?? '',
      to: keys.to,
      policy: keys.policy,
      ...read,
      id: routeIdOf(raw),
      origin,
      position,
    })
    if (all.length === 0 && !resolver.hasLookedElsewhere) this.#memory?.keepRoute(entry, route)
    return { path, route }
  }

  #judgeTogether(settings: Settings, all: readonly PlacedRoute[], raw: Raw): void {
    const drafted = all.filter(({ route }) => route.origin !== NO_ORIGIN)
    // Which providers there are can't be told while their map is wrong in itself.
    const settingsRead = this.#areProvidersRead ? settings : { sign_in_providers: undefined }
    this.#mistakes.push(
      ...bearerMistakes(drafted, settings, raw),
      ...routesHaveOneIdentityEach(drafted),
      ...drafted.flatMap(({ route, path }) =>
        mistakesBeside(route, settingsRead).map((each) => ({ ...each, path: [...path, ...each.path] })),
      ),
      ...grpcHealthChecksSpeakHttp2(drafted, settings),
      ...policyTestRules(drafted, settings),
      ...routesOnlyShortenSessions(drafted, settings),
      ...tokensStayOutOfTheLog(drafted, settings),
      ...clientCertificateMistakes(all, settings, raw),
    )
    if (this.#areProvidersRead)
      this.#mistakes.push(
        ...directoriesNameProviders(settings),
        ...routesNameProviders(drafted, settings, this.#keysTold()),
        ...clientsAreTold(drafted, settings),
      )
  }

  /** Mistakes from outside name routes by their index among all; the file may have two lists. */
  #take(mistakes: readonly Mistake[], drafted: readonly PlacedRoute[]): void {
    for (const { path, message } of mistakes) {
      const [list, index, ...rest] = path
      const at = list === 'routes' && typeof index === 'number' ? drafted[index]?.path : undefined
      this.#fail(at === undefined ? path : [...at, ...rest], message)
    }
  }

  /** Who looks for a mistake in the file would not find it. */
  #originOf([key]: ConfigPath): string {
    const variable = this.variables.get(String(key))
    return variable === undefined ? '' : ` (set by the environment variable ${variable}, not by this file)`
  }

  #problems(): Problem[] {
    // A route under two hosts is judged twice.
    const once = new Map(
      this.#mistakes.map((mistake) => [JSON.stringify([mistake.path, mistake.message]), mistake]),
    )
    return [...once.values()]
      .map(({ path, message, on }) => ({
        file: this.#file,
        ...this.#yaml.locate(path, on),
        path,
        message: message + this.#originOf(path),
      }))
      .toSorted((a, b) => a.line - b.line || a.column - b.column)
  }
}

/** Of a route whose `from` is missing or wrong. */
const NO_ORIGIN: Route['origin'] = Object.freeze({
  scheme: 'https',
  host: '',
  port: undefined,
  wildcard: false,
})
