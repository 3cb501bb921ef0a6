/**
 * A decision found in a log by its id, made once more.
 *
 * @module
 */
import { ANONYMOUS } from '../../access/access.ts'
import { chooserOf } from '../../access/config-checks.ts'
import type { OpenedConfig } from '../open-config.ts'
import { KnownSubjects } from '../replay/known-subjects.ts'
import { logLines } from '../replay/log-file.ts'
import { type LoggedDecision, type LoggedSubject, readLogLine } from '../replay/log-lines.ts'
import { replay } from '../replay/replay.ts'
import { type Explanation, explanationOf, type Logged } from './explanation.ts'

export async function explainedFromLog(
  opened: OpenedConfig,
  id: string,
  file: string,
): Promise<Explanation | undefined> {
  const found = await findDecision(id, file)
  if (found === undefined) return undefined
  const { config } = opened
  const { decision: logged, who } = found
  const { host, path, method } = logged
  const request = { authority: host, path, method }
  const choose = chooserOf(config)
  const said = loggedOf(logged, config.checksum)
  // By the very configuration that decided: what it asked of the session is known to have held.
  const replayed = replay(config, choose, logged, who, said.hasChanged === false ? 'same' : undefined)
  const {
    facts,
    decision,
    subject = who?.subject ?? ANONYMOUS,
  } = replayed.kind === 'unrouted' ? { facts: undefined, decision: undefined } : replayed
  return explanationOf(opened, {
    url: `https://${host}${path}`,
    request,
    choice: choose(request),
    subject,
    facts,
    lookedUp: logged.inputs,
    decision,
    unknown: replayed.kind === 'unknown' ? replayed.why : [],
    logged: said,
  })
}

interface Found {
  readonly decision: LoggedDecision
  readonly who: LoggedSubject | undefined
}

async function findDecision(id: string, file: string): Promise<Found | undefined> {
  let found: Found | undefined
  const subjects = new KnownSubjects((decision, who) => (found ??= { decision, who }))
  for await (const text of logLines(file)) {
    if (!text.includes(id) && !text.includes('"authorize subject"')) continue
    const line = readLogLine(text)
    if (line === 'foreign' || line === 'broken') continue
    if (line.kind === 'subject') subjects.tell(line)
    else if (line.id === id) subjects.decide(line)
    if (found !== undefined) return found
  }
  subjects.end()
  return found
}

function loggedOf({ id, time, outcome, reasons, configChecksum }: LoggedDecision, checksum: string): Logged {
  return {
    id,
    time: new Date(time).toISOString(),
    outcome,
    reasons,
    checksum: configChecksum,
    hasChanged: configChecksum === undefined ? undefined : !checksum.startsWith(configChecksum),
  }
}
