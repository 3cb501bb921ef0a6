/**
 * The product as a user runs it: `sallyport serve` with a YAML file, its log read, its Envoy behind it.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { request } from './http-client.ts'
import { type Exit, type RunningProcess, runToEnd, startProcess } from './process.ts'
import { programUnderTest } from './program.ts'
import { until } from './until.ts'

export type Route = Readonly<Record<string, unknown>>

/** One configuration file, before it is text. */
export interface ConfigDocument {
  readonly [key: string]: unknown
  readonly routes: readonly Route[]
}

export interface LogLine {
  readonly [field: string]: unknown
  readonly level: string
  readonly msg?: string
}

export interface ServeOptions {
  /** Holds `config.yaml` and `.sallyport/`. */
  readonly folder: string
  readonly config: ConfigDocument | string
  /** Port of `health_check_addr` in that configuration. */
  readonly healthPort: number
  readonly envoy?: 'managed' | 'external'
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Resolves as soon as the process runs, instead of waiting until it is ready. */
  readonly untilReady?: boolean
}

export interface Sallyport extends AsyncDisposable {
  readonly process: RunningProcess
  readonly configFile: string
  readonly stateDir: string
  /** Lines of the log that were JSON: ours and Envoy's access log. */
  readonly log: readonly LogLine[]
  /** The first line, past or future, for which `match` holds. */
  waitForLog(what: string, match: (line: LogLine) => boolean, withinMs?: number): Promise<LogLine>
  /** Replaces the configuration file, by default as most editors do: a new file, renamed over the old. */
  write(config: ConfigDocument | string, form?: WrittenForm): Promise<void>
  /** `/status` of the health listener. */
  status(): Promise<Record<string, unknown>>
  isReady(): Promise<boolean>
  /** Processes that descend from `serve`, such as Envoy. */
  descendants(): readonly number[]
}

export interface WrittenForm {
  /** The old file is written over. */
  readonly isInPlace?: boolean
  /** What stands twice is written once, with an anchor. */
  readonly hasAnchors?: boolean
}

const textOf = (config: ConfigDocument | string, { hasAnchors = false }: WrittenForm = {}): string =>
  typeof config === 'string' ? config : stringify(config, { aliasDuplicateObjects: hasAnchors })

export function parseLog(lines: readonly string[]): LogLine[] {
  return lines.flatMap((line) => {
    if (!line.startsWith('{')) return []
    try {
      return [JSON.parse(line) as LogLine]
    } catch {
      return []
    }
  })
}

/** All processes below `pid`, by /proc. */
export function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
    } catch {
      // ended meanwhile
    }
  }
  const below = (parent: number): number[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child)])
  return below(pid)
}

export async function startSallyport(options: ServeOptions): Promise<Sallyport> {
  const { folder, healthPort, untilReady = true } = options
  const configFile = join(folder, 'config.yaml')
  const stateDir = join(folder, '.sallyport')
  const write: Sallyport['write'] = async (config, form) => {
    const next = form?.isInPlace === true ? configFile : join(folder, 'config.yaml.next')
    await writeFile(next, textOf(config, form))
    if (next !== configFile) await rename(next, configFile)
  }
  await write(options.config)
  const child = startProcess({
    name: 'sallyport',
    ...programUnderTest([
      'serve',
      '--config',
      configFile,
      ...(options.envoy === undefined ? [] : ['--envoy', options.envoy]),
    ]),
    cwd: folder,
    ...(options.env === undefined ? {} : { env: options.env }),
  })
  const health = async (path: string): Promise<{ status: number; text: string }> =>
    await request({ url: `http://127.0.0.1:${healthPort}${path}`, withinMs: 2_000 })

  const log: LogLine[] = []
  let read = 0
  const readLog = (): readonly LogLine[] => {
    const fresh = child.lines.slice(read)
    read += fresh.length
    log.push(...parseLog(fresh))
    return log
  }

  const sallyport: Sallyport = {
    process: child,
    configFile,
    stateDir,
    get log() {
      return readLog()
    },
    async waitForLog(what, match, withinMs = 10_000) {
      return await until(() => readLog().find(match), { what: `the log to say ${what}`, withinMs }).catch(
        (error: unknown) => {
          throw new Error(`${String(error)}; it said:\n${child.lines.slice(-30).join('\n')}`, {
            cause: error,
          })
        },
      )
    },
    write,
    async status() {
      return JSON.parse((await health('/status')).text) as Record<string, unknown>
    },
    isReady: async () => (await health('/readyz').catch(() => undefined))?.status === 200,
    descendants: () => descendantsOf(child.pid),
    async [Symbol.asyncDispose]() {
      await child.stop()
    },
  }
  if (untilReady) {
    try {
      const state = await until(
        async () => {
          if (child.exit !== undefined) return 'ended'
          return (await sallyport.isReady()) && 'ready'
        },
        { what: 'sallyport to be ready', withinMs: 60_000, everyMs: 25 },
      )
      if (state === 'ended') throw new Error(`sallyport ended with ${child.exit?.code}`)
    } catch (error) {
      await child.stop()
      throw new Error(`${String(error)}; it said:\n${child.lines.slice(-40).join('\n')}`, { cause: error })
    }
  }
  return sallyport
}

/** Runs a command of the CLI to its end. */
export async function sallyportCli(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string | undefined>> } = {},
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
  return await runToEnd({ ...programUnderTest(args), withinMs: 30_000, ...options })
}
