/**
 * `sallyport serve` and `sallyport demo`: run until told to stop.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Fault } from '../errors.ts'
import { type Sallyport, startSallyport } from '../main.ts'
import { aboutUnknownKeys } from './unknown-keys.ts'

export interface ServeCommand {
  readonly configFile: string | undefined
  readonly stateDir: string | undefined
  readonly runDir: string | undefined
  readonly envoy: 'managed' | 'external'
  /** The demo even where there is a configuration file. */
  readonly demo: boolean
}

const DEFAULT_CONFIG = 'config.yaml'
const MOST_SHOWN = 8

/** @returns the exit code; 0 when it was told to stop */
export async function serve(command: ServeCommand): Promise<number> {
  // Before anything is started: a signal during start-up is not lost either.
  const { stopped, signal } = untilToldToStop()
  const isDemo = command.demo || (command.configFile === undefined && !existsSync(DEFAULT_CONFIG))
  const start = async (): Promise<Sallyport> =>
    isDemo
      ? await (await import('./demo/demo.ts')).startDemo({
          directory: resolve(command.stateDir ?? '.sallyport/demo'),
          envoy: command.envoy,
          output: process.stderr,
          signal,
        })
      : await startSallyport({ ...command, configFile: command.configFile ?? DEFAULT_CONFIG, signal })
  await using running = await start().catch((error: unknown) => {
    // What gave up because it was told to has not failed.
    if (!signal.aborted || !(error instanceof Fault)) throw error
    return undefined
  })
  if (running === undefined) return 0
  const isReady = await Promise.race([running.ready().then(() => true, goOnAfterNack), stopped])
  if (isReady === true && !isDemo && process.stderr.isTTY) process.stderr.write(summary(running))
  await stopped
  return 0
}

/** `EX_CONFIG` of sysexits.h: starting again does not help before somebody has fixed the file. */
const EX_CONFIG = 78

/** Tells what is wrong with a configuration. @throws {unknown} any other error, as it came */
export function exitCodeOf(error: unknown, out: { write(text: string): unknown }): number {
  if (!(error instanceof Fault && error.code.startsWith('CONFIG_'))) throw error
  out.write(`sallyport: ${error.message}\n${aboutUnknownKeys(error.message)}`)
  return EX_CONFIG
}

/** For the person at the terminal, who would see log lines only. */
function summary({ config, stateDir }: Sallyport): string {
  const { settings, routes, file } = config.current
  const { host, port } = settings.address
  const origins = routes.slice(0, MOST_SHOWN).map(({ from }) => `  ${from}\n`)
  const more = routes.length > MOST_SHOWN ? `  … and ${routes.length - MOST_SHOWN} more\n` : ''
  return `
Sallyport serves ${file} on ${host.includes(':') ? `[${host}]` : host}:${port}

${origins.join('')}${more}
State (sessions, keys, certificates): ${stateDir}
Edit the file and save: it applies at once. Stop with Ctrl-C.

`
}

/** A part that Envoy refuses is in the log and in `/status`; the other parts are served meanwhile. */
function goOnAfterNack(error: unknown): void {
  if (!(error instanceof Fault && error.code === 'XDS_NACK')) throw error
}

/** Ends with the first request to stop; a second one ends the process at once. */
function untilToldToStop(): { readonly stopped: Promise<void>; readonly signal: AbortSignal } {
  const stopping = new AbortController()
  const stopped = new Promise<void>((stop) => stopping.signal.addEventListener('abort', () => stop()))
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (stopping.signal.aborted) process.exit(130)
      stopping.abort()
    })
  }
  return { stopped, signal: stopping.signal }
}
