/**
 * What the directories say of a session, from their files and from what the state folder keeps of the others.
 *
 * Nothing is asked over the network and nothing is written: the proxy that runs beside this has its own.
 *
 * @module
 */
import type { DirectoryPort } from '../../access/ports.ts'
import type { RoutePorts } from '../../access/route.ts'
import type { Config } from '../../config/config.ts'
import { openDirectory } from '../../directory/open-directory.ts'
import { followProviders } from '../../identity/providers.ts'
import type { RecordStore } from '../../session/records.ts'
import type { Session } from '../../session/session.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import { unchanging } from './unchanging.ts'

export interface OpenDirectories extends AsyncDisposable {
  readonly directory: DirectoryPort
  readonly idpIdsFor: RoutePorts['idpIdsFor']
}

/** Told to nobody: what a command looks at once. */
export const SILENT = { info() {}, warn() {} }

export async function openDirectories(config: Config, records: RecordStore): Promise<OpenDirectories> {
  const source = unchanging(config)
  await using opening = new AsyncDisposableStack()
  const providers = opening.use(followProviders({ config: source, trustedCa: [], logger: SILENT }))
  const { meter } = opening.use(createMetrics())
  const directory = opening.use(
    await openDirectory<Session>({
      config: source,
      providerName: (idpId) => providers.find(idpId)?.name,
      records: readOnly(records),
      http: { fetch: () => Promise.reject(new Error('only what is kept is looked at')) },
      now: Date.now,
      logger: SILENT,
      meter,
    }),
  )
  const open = opening.move()
  return { directory, idpIdsFor: providers.idsFor, [Symbol.asyncDispose]: () => open.disposeAsync() }
}

/** A candidate without a source must not make the proxy forget what it knows of it. */
function readOnly(records: RecordStore): RecordStore {
  return {
    get: (collection, id) => records.get(collection, id),
    list: (collection) => records.list(collection),
    page: (...range) => records.page(...range),
    put: () => {
      throw new Error('nothing is written here')
    },
    delete: () => false,
    onChange: () => ({ [Symbol.dispose]() {} }),
  }
}
