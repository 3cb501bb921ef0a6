/**
 * `sallyport diff`: who gains and who loses by a new configuration, told by the decisions of a log.
 *
 * Exit code 0 when nobody does, 1 when somebody does or may (`--fail-on`), 2 when it can't be told at all: a
 * wrong option, file or log.
 *
 * @module
 */
import { stripVTControlCharacters } from 'node:util'
import { chooserOf } from '../access/config-checks.ts'
import { ConfigFault } from '../config/problem.ts'
import { Fault } from '../errors.ts'
import { Changes, type Side, sideOf } from './diff/changes.ts'
import type { Kind } from './diff/kinds.ts'
import { markdownReport, textReport } from './diff/report.ts'
import { type OpenedConfig, openConfig } from './open-config.ts'
import type { Circumstances } from './replay/demands.ts'
import { KnownSubjects } from './replay/known-subjects.ts'
import { logLines } from './replay/log-file.ts'
import { type LoggedDecision, type LoggedSubject, readLogLine } from './replay/log-lines.ts'
import { type Replayed, replay } from './replay/replay.ts'
import type { Terminal } from './state/open-state-folder.ts'

export interface DiffCommand {
  readonly candidate: string | undefined
  readonly against?: string | undefined
  /** The configuration of today. */
  readonly config?: string | undefined
  readonly format?: 'text' | 'markdown' | undefined
  readonly 'fail-on'?: readonly Kind[] | undefined
  readonly json?: boolean | undefined
}

const FAILS: readonly Kind[] = ['gain', 'lose', 'unknown']
const NOBODY = 0
const SOMEBODY = 1
const NOT_TOLD = 2

/** @throws {Fault} USAGE */
export async function diff(command: DiffCommand, terminal: Terminal): Promise<number> {
  const { candidate, against, config, format = 'text', json = false } = command
  if (candidate === undefined || against === undefined) {
    throw new Fault('USAGE', 'diff takes a configuration and --against LOG')
  }
  const failOn = command['fail-on'] ?? FAILS
  let opened: OpenedConfig
  let today: OpenedConfig | undefined
  try {
    opened = openConfig(candidate, terminal.env)
    today = config === undefined ? undefined : openConfig(config, terminal.env)
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error
    terminal.stderr.write(`${stripVTControlCharacters(error.message)}\n`)
    return NOT_TOLD
  }
  const changes = await changesIn(against, opened, today)
  const { summary, list } = changes
  const report = format === 'markdown' ? markdownReport : textReport
  terminal.stdout.write(json ? `${JSON.stringify({ summary, changes: list })}\n` : report(list, summary))
  return failOn.some((kind) => summary.counts[kind] > 0) ? SOMEBODY : NOBODY
}

async function changesIn(
  file: string,
  opened: OpenedConfig,
  today: OpenedConfig | undefined,
): Promise<Changes> {
  const changes = new Changes(opened)
  const replayNew = replayer(opened)
  const replayToday = today && replayer(today)
  const subjects = new KnownSubjects((logged, who) => {
    const now = replayToday?.(logged, who, 'same')
    const then =
      today && now && 'route' in now && now.route ? { config: today.config, route: now.route } : undefined
    changes.add(logged, sideBefore(logged, now), replayNew(logged, who, then))
  })
  for await (const text of logLines(file)) {
    const line = readLogLine(text)
    if (line === 'foreign') continue
    if (line === 'broken') changes.brokenLines++
    else if (line.kind === 'subject') subjects.tell(line)
    else {
      changes.decisions++
      if (BY_POLICY.has(line.outcome)) subjects.decide(line)
      else changes.withoutPolicy++
    }
  }
  subjects.end()
  return changes

  /**
   * What was decided, or what today's configuration would decide where that is known to be something else.
   */
  function sideBefore(logged: LoggedDecision, now: Replayed | undefined): Side {
    // A step-up comes after the policy, which has allowed.
    const then = { outcome: logged.outcome === 'step-up' ? 'allow' : logged.outcome, reasons: logged.reasons }
    if (now === undefined || now.kind === 'unknown') return then
    const side = sideOf(now)
    if (side.outcome === then.outcome) return then
    changes.alreadyDifferent++
    return side
  }
}

const BY_POLICY: ReadonlySet<string> = new Set(['allow', 'deny', 'sign-in', 'step-up'])

function replayer({ config }: OpenedConfig) {
  const choose = chooserOf(config)
  return (logged: LoggedDecision, who: LoggedSubject | undefined, then: Circumstances | 'same' | undefined) =>
    replay(config, choose, logged, who, then)
}
