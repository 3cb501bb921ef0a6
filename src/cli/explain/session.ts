/**
 * A session of the state folder, judged by the very rows that the proxy would judge it by now.
 *
 * Nothing is written: what has been idle for too long is not ended here, and no use is noted.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { type Access, accessBy, type Verdict } from '../../access/access.ts'
import { ADMISSION } from '../../access/pipeline.ts'
import type { AccessDependencies } from '../../access/ports.ts'
import { AccessRoute } from '../../access/route.ts'
import type { Config, Route } from '../../config/config.ts'
import { Fault } from '../../errors.ts'
import { policyOf } from '../../policy/compiled-policies.ts'
import type { DataSources, RequestFacts } from '../../policy/decision.ts'
import { openKeyring, openStore, stateDirFor, storeFileIn } from '../../session/open-state.ts'
import type { Session } from '../../session/session.ts'
import type { SessionStore } from '../../session/store.ts'
import { openDirectories, SILENT } from './directory.ts'

export interface JudgedSession {
  readonly verdict: Verdict
  readonly access: Access
  /** The row by which the session came to count for nothing on this route. */
  readonly droppedBy: string | undefined
}

export interface SessionReplay extends AsyncDisposable {
  /** With the groups that the directories know of. */
  readonly session: Session
  judge(route: Route, facts: RequestFacts, data: DataSources | undefined): Promise<JudgedSession>
}

/** @throws {Fault} USAGE, STATE_UNUSABLE */
export async function openSession(
  id: string,
  config: Config,
  stateFolder: string | undefined,
): Promise<SessionReplay> {
  const stateDir = stateDirFor(config.file, stateFolder)
  if (!existsSync(storeFileIn(stateDir))) {
    throw new Fault(
      'STATE_UNUSABLE',
      `${stateDir}: no sessions are kept there; name the state folder with --state-dir`,
    )
  }
  await using opening = new AsyncDisposableStack()
  const store = opening.use(await openStore(stateDir, openKeyring(config.settings, stateDir)))
  const session = await store.find(id)
  if (session === undefined) throw new Fault('USAGE', `there is no session ${id}; it may be over`)
  const { directory, idpIdsFor } = opening.use(await openDirectories(config, store.records))
  const open = opening.move()
  return {
    session: directory.apply(session),
    judge: (route, facts, data) =>
      judgeSession(session, new AccessRoute(route, config, { policyOf, idpIdsFor }), facts, {
        sessions: readOnly(store),
        directory,
        data,
        now: Date.now,
        logger: SILENT,
      }),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

/** By all rows, of which it notes the one that takes the session away. */
export async function judgeSession(
  session: Session,
  route: AccessRoute,
  facts: RequestFacts,
  dependencies: AccessDependencies,
): Promise<JudgedSession> {
  const access = accessOf(session, route, facts)
  let droppedBy: string | undefined
  for (const { name, run } of ADMISSION) {
    const before = access.sessions.length
    const verdict = await run(access, dependencies)
    if (before > 0 && access.sessions.length === 0) droppedBy ??= name
    if (verdict !== undefined) return { verdict, access, droppedBy }
  }
  throw new Error('no row came to a verdict')
}

function accessOf(session: Session, route: AccessRoute, facts: RequestFacts): Access {
  const { method, path, host, sourceIp, headers, now = Date.now() } = facts
  return accessBy({
    request: {
      method,
      sourceAddress: '',
      clientAddress: sourceIp,
      header: (name) => headers[name],
      headers: () => headers,
    },
    now,
    host,
    path,
    route,
    sessionIds: [session.id],
  })
}

/** The proxy that runs beside this has the last word on what ends. */
function readOnly(store: SessionStore): AccessDependencies['sessions'] {
  return {
    find: (id) => store.find(id),
    idleTimeOf: (...asked) => store.idleTimeOf(...asked),
    delete: () => false,
    isClockInDoubt: true,
  }
}
