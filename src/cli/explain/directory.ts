/**
 * What the directories say of a session, from their files and from what the state folder keeps of the others.
 *
 * Nothing is asked over the network and nothing is written: the proxy that runs beside this has its own.
 *
 * @module
 */
import type { Config } from '../../config/config.ts'
import { openDirectory } from '../../directory/open-directory.ts'
import { followProviders } from '../../identity/providers.ts'
import type { RecordStore } from '../../session/records.ts'
import type { Session } from '../../session/session.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import { unchanging } from './unchanging.ts'

export interface KnownToDirectories {
  /** With its effective groups. */
  readonly session: Session
  readonly isSwitchedOff: boolean
}

const SILENT = { info() {}, warn() {} }

export async function askDirectories(
  session: Session,
  config: Config,
  records: RecordStore,
): Promise<KnownToDirectories> {
  const source = unchanging(config)
  await using open = new AsyncDisposableStack()
  const providers = open.use(followProviders({ config: source, trustedCa: [], logger: SILENT }))
  const { meter } = open.use(createMetrics())
  const directory = open.use(
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
  return { session: directory.apply(session), isSwitchedOff: directory.isSwitchedOff(session) }
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
