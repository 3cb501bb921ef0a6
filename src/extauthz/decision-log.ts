/**
 * One line per check: what was decided, of whom, and why.
 *
 * Queries are left out unless asked for, and headers that hold credentials always: a log is read by more
 * people than a secret may be. What comes from outside is cut to a length; pino escapes it.
 *
 * @module
 */
import type { Decision } from '../policy/decision.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Check, Verdict } from './check.ts'
import { clientAddress } from './client-address.ts'

/** How a check ended. */
export interface Ending {
  readonly check: Check
  /** `undefined` when something failed before there was one. */
  readonly verdict: Verdict | undefined
  /** HTTP status of our answer; 0 when the request was passed on. */
  readonly status: number
  readonly decisionId: string
  readonly removedGroups: number
  readonly failure?: string | undefined
}

type Reader = (ending: Ending) => unknown

const LONGEST_TEXT = 1024

/** Fields of features that are still to come are not in the table and print nothing. */
const FIELDS: Readonly<Record<string, Reader>> = {
  'request-id': ({ decisionId }) => decisionId,
  'check-request-id': ({ check }) => check.request.id,
  method: ({ check }) => cut(check.request.method),
  path: ({ check }) => cut(check.path),
  query: ({ check }) => cut(queryOf(check.request.path)),
  host: ({ check }) => cut(check.request.host),
  ip: ({ check }) => clientAddress(check.request, check.route?.settings),
  'session-id': ({ check }) => check.sessions[0]?.id,
  'removed-groups-count': ({ removedGroups }) => (removedGroups > 0 ? removedGroups : undefined),
  user: ({ check }) => check.sessions[0]?.userId,
  email: ({ check }) => check.sessions[0]?.email,
  'envoy-route-id': ({ check }) => cut(check.request.routeId),
  'route-id': ({ check }) => check.route?.route.id,
  headers: ({ check }) =>
    Object.fromEntries(check.request.headerNames().map((name) => [name, headerField(check, name)])),
}

const CREDENTIALS = /^(?:cookie|authorization|proxy-authorization|x-pomerium-.*)$|token|secret|api-?key/

export function createDecisionLog(logger: Logger, fields: readonly string[]): (ending: Ending) => void {
  const readers = fields.flatMap((field): (readonly [string, Reader])[] => {
    const reader = readerFor(field)
    return reader === undefined ? [] : [[field, reader]]
  })
  return (ending) => {
    if (!logger.isLevelEnabled('info')) return
    const line: Record<string, unknown> = {}
    for (const [field, read] of readers) {
      const value = read(ending)
      if (value !== undefined && value !== '') line[field] = value
    }
    explain(line, ending)
    logger.info(line, 'authorize check')
  }
}

function readerFor(field: string): Reader | undefined {
  if (!field.startsWith('headers.')) return FIELDS[field]
  const name = field.slice('headers.'.length).toLowerCase()
  return ({ check }) => headerField(check, name)
}

/** In Pomerium's words, so that what reads its log reads ours; `outcome` tells what became of the request. */
function explain(line: Record<string, unknown>, { verdict, status, failure }: Ending): void {
  const decision = verdict !== undefined && 'decision' in verdict ? verdict.decision : undefined
  line['outcome'] = verdict?.outcome ?? 'failure'
  if (status !== 0) line['status'] = status
  const isAllowed = verdict?.outcome === 'allow'
  const isDeniedByRule = decision?.outcome === 'deny' && hasDenied(decision)
  line['allow'] = isAllowed
  line[`allow-why-${isAllowed}`] = isDeniedByRule ? [] : reasonsOf(verdict, decision, failure)
  line['deny'] = isDeniedByRule
  line[`deny-why-${isDeniedByRule}`] = isDeniedByRule ? decision.reasons : []
}

function reasonsOf(
  verdict: Verdict | undefined,
  decision: Decision | undefined,
  failure: string | undefined,
): readonly string[] {
  if (decision !== undefined) return decision.reasons
  return [verdict?.outcome === 'refuse' ? verdict.reason : (failure ?? 'failure')]
}

/** Whether the reasons are those of a deny rule rather than of allow rules that did not let in. */
function hasDenied({ reasons, trace }: Decision): boolean {
  return trace.some(
    ({ action, truth, reason }) => action === 'deny' && truth !== 'miss' && reasons.includes(reason),
  )
}

function headerField({ request }: Check, name: string): string | undefined {
  const value = request.header(name)
  return value !== undefined && CREDENTIALS.test(name) ? '[secret]' : cut(value)
}

function queryOf(target: string): string | undefined {
  const at = target.indexOf('?')
  return at === -1 ? undefined : target.slice(at + 1)
}

function cut<Text extends string | undefined>(text: Text): Text | string {
  return text !== undefined && text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text
}
