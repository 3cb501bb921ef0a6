/**
 * `sallyport serve` and `sallyport demo`: run until told to stop.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { startSallyport } from '../main.ts'

export interface ServeCommand {
  readonly configFile: string | undefined
  readonly stateDir: string | undefined
  readonly runDir: string | undefined
  readonly envoy: 'managed' | 'external'
  /** The demo even where there is a configuration file. */
  readonly demo: boolean
}

const DEFAULT_CONFIG = 'config.yaml'

/** @returns the exit code; 0 when it was told to stop */
export async function serve(command: ServeCommand): Promise<number> {
  // Before anything is started: a signal during start-up is not lost either.
  const stopped = signalled()
  const isDemo = command.demo || (command.configFile === undefined && !existsSync(DEFAULT_CONFIG))
  await using running = isDemo
    ? await (await import('./demo/demo.ts')).startDemo({
        directory: resolve(command.stateDir ?? '.sallyport/demo'),
        envoy: command.envoy,
        output: process.stderr,
      })
    : await startSallyport({ ...command, configFile: command.configFile ?? DEFAULT_CONFIG })
  await Promise.race([running.ready(), stopped])
  await stopped
  return 0
}

/** Resolves at the first request to stop; a second one ends the process at once. */
function signalled(): Promise<void> {
  return new Promise((told) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        told()
        process.once(signal, () => process.exit(130))
      })
    }
  })
}
