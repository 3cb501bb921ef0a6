/**
 * The Envoy that Sallyport starts itself, and the ports that the two of them need.
 *
 * @module
 */
import { totalmem } from 'node:os'
import { heapLimit, writeBootstrap } from '../../envoy/bootstrap.ts'
import type { FoundEnvoy } from '../../envoy/find.ts'
import { assertPortFree } from '../../envoy/port.ts'
import { type EnvoySupervisor, type SuperviseOptions, superviseEnvoy } from '../../envoy/supervise.ts'
import type { Settings } from '../config/config.ts'
import type { Logger } from '../telemetry/log.ts'

/** Before anything is started: what fails later fails half-way. */
export async function assertPortsFree(
  settings: Settings,
  keys: readonly ('address' | 'http_redirect_addr' | 'health_check_addr' | 'metrics_address')[],
  envoyPath?: string,
): Promise<void> {
  for (const key of keys) {
    const address = settings[key]
    if (address !== undefined) await assertPortFree({ ...address, key, envoyPath })
  }
}

/** @throws {Fault} for a port that is taken */
export async function startManagedEnvoy(options: {
  readonly found: FoundEnvoy
  readonly settings: Settings
  readonly runDir: string
  readonly logger: Logger
  readonly accessLog: SuperviseOptions['accessLog']
}): Promise<EnvoySupervisor> {
  const { found, settings, runDir, logger, accessLog } = options
  const { path, version } = found
  await assertPortsFree(settings, ['address', 'http_redirect_addr'], path)
  const bootstrapFile = writeBootstrap({
    runDirectory: runDir,
    maxHeapBytes: heapLimit(process.constrainedMemory() || totalmem()),
  })
  logger.info({ path, version }, 'starting Envoy')
  return superviseEnvoy({ envoyPath: path, bootstrapFile, logLevel: settings.log_level, logger, accessLog })
}
