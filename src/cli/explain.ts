/**
 * `sallyport explain`: why a request is decided as it is, whether it was made up or stands in a decision log.
 *
 * Exit code 0 when it may pass, 3 when not or when it can't be told; 1 when there is nothing to explain.
 *
 * @module
 */
import { isIP } from 'node:net'
import { subjectOf } from '../access/access.ts'
import { chooserOf } from '../access/config-checks.ts'
import { NotedLookups } from '../access/decision-inputs.ts'
import type { Config } from '../config/config.ts'
import { type RequestTarget, requestTargetOf } from '../config/routing/request-url.ts'
import type { Choice } from '../config/routing/route-match.ts'
import { Fault } from '../errors.ts'
import { providerNameIn } from '../identity/provider-names.ts'
import { policyOf } from '../policy/compiled-policies.ts'
import type { RequestFacts } from '../policy/decision.ts'
import { type Explanation, explanationOf } from './explain/explanation.ts'
import { explainedFromLog } from './explain/from-log.ts'
import { lookupsFor } from './explain/lookups.ts'
import { openSession } from './explain/session.ts'
import { subjectFor, type WhoOptions } from './explain/subject.ts'
import { explanationText } from './explain/text.ts'
import { type OpenedConfig, openConfig } from './open-config.ts'
import type { Terminal } from './state/open-state-folder.ts'

export interface ExplainCommand extends WhoOptions {
  /** A URL or a decision id. */
  readonly what: string | undefined
  readonly config?: string | undefined
  readonly log?: string | undefined
  readonly method?: string | undefined
  readonly ip?: string | undefined
  readonly header?: readonly string[] | undefined
  readonly time?: string | undefined
  readonly 'without-secrets'?: boolean | undefined
  readonly json?: boolean | undefined
}

const PASSES = 0
const NOTHING_FOUND = 1
const PASSES_NOT = 3

/** @throws {Fault} USAGE, CONFIG_UNREADABLE, CONFIG_INVALID, STATE_UNUSABLE */
export async function explain(command: ExplainCommand, terminal: Terminal): Promise<number> {
  const { what, log, json = false } = command
  if (what === undefined) throw new Fault('USAGE', 'explain takes a URL, or a decision id and --log FILE')
  const opened = openConfig(command.config ?? 'config.yaml', terminal.env, {
    withoutSecrets: command['without-secrets'],
  })
  const target = requestTargetOf(what)
  if (target === undefined && log === undefined) {
    throw new Fault('USAGE', `"${what}" is not a URL; for a decision id name its log with --log FILE`)
  }
  const explained =
    target !== undefined
      ? await explainedFromFlags(opened, { ...command, what }, { target, terminal })
      : await explainedFromLog(opened, what, log ?? '-')
  if (explained === undefined) {
    terminal.stderr.write(`sallyport: the log has no decision ${what}\n`)
    return NOTHING_FOUND
  }
  terminal.stdout.write(json ? `${JSON.stringify(explained)}\n` : explanationText(explained))
  return explained.outcome === 'allow' ? PASSES : PASSES_NOT
}

async function explainedFromFlags(
  opened: OpenedConfig,
  command: ExplainCommand & { readonly what: string },
  { target, terminal }: { readonly target: RequestTarget; readonly terminal: Terminal },
): Promise<Explanation> {
  const { config } = opened
  const { method = 'GET' } = command
  const request = { authority: target.authority, path: target.path, method }
  const choice = chooserOf(config)(request)
  const described = subjectFor(command, config)
  const policy = policyIn(config, choice)
  await using lookups = await lookupsFor(policy, config, terminal.stderr)
  const facts = 'path' in choice ? factsFrom(command, target, choice) : undefined
  const common = { url: command.what, request, choice, facts: choice.kind === 'route' ? facts : undefined }
  if (command.session !== undefined) {
    await using sessions = await openSession(command.session, config, command['state-dir'])
    const judged =
      choice.kind === 'route' && facts !== undefined
        ? await sessions.judge(choice.route, facts, lookups.data)
        : undefined
    const noted = judged?.access.facts?.lookups
    return explanationOf(opened, {
      ...common,
      subject: subjectOf(sessions.session, providerNameIn(config, sessions.session.idpId)),
      lookedUp: noted && lookedUpBy(noted),
      judged,
    })
  }
  const noted = lookups.data && new NotedLookups(lookups.data)
  const decision = facts && policy?.decide(described, { ...facts, data: noted })
  return explanationOf(opened, {
    ...common,
    subject: described,
    lookedUp: noted && lookedUpBy(noted),
    decision,
  })
}

const lookedUpBy = ({ records, places }: NotedLookups) => ({
  records: Object.fromEntries(records),
  place: places[0],
})

function policyIn(config: Config, choice: Choice) {
  return choice.kind === 'route' ? policyOf(config, choice.route).policy : undefined
}

/** What is not given is unknown, but for the time, which is now. */
function factsFrom(
  command: ExplainCommand,
  { host }: RequestTarget,
  choice: Extract<Choice, { readonly path: string }>,
): RequestFacts {
  const { method = 'GET', ip = '', header = [], time } = command
  if (ip !== '' && isIP(ip) === 0) throw new Fault('USAGE', `--ip "${ip}" is not an IP address`)
  const now = time === undefined ? Date.now() : Date.parse(time)
  if (Number.isNaN(now) || (time !== undefined && !/(?:Z|[+-]\d\d:?\d\d)$/i.test(time))) {
    throw new Fault(
      'USAGE',
      `--time "${time}" is not a time with its zone, such as 2026-03-02T09:00:00+01:00`,
    )
  }
  const headers = header.map((text) => {
    const [, name, value] = /^([^:]+):\s*(.*)$/.exec(text) ?? []
    if (name === undefined) throw new Fault('USAGE', `--header "${text}" is not of the form "Name: value"`)
    return [name.toLowerCase(), value ?? ''] as const
  })
  return {
    method,
    path: choice.path,
    isPathAsWritten: choice.kind === 'route' && choice.route.paths_as_written === true,
    host,
    sourceIp: ip,
    headers: Object.fromEntries(headers),
    now,
  }
}
