/**
 * An explanation for people at a terminal.
 *
 * @module
 */

import { plain } from '../../plain-text.ts'
import type { Subject } from '../../policy/decision.ts'
import { alignedLines, count } from '../table.ts'
import type { Criterion, Explanation } from './explanation.ts'

/** More groups than these say nothing to a reader. */
const MOST_GROUPS = 12
/** Of one host, beside the one that was chosen. */
const MOST_ROUTES = 20
const SHORT_CHECKSUM = 16

export function explanationText(explained: Explanation): string {
  const { logged, note, route, criteria, passedOver, otherHosts, file } = explained
  const head = [
    ...(logged === undefined ? [] : [['decision', `${logged.id} of ${logged.time}`]]),
    ['request', `${explained.method} ${explained.url}`],
    ['who', whoOf(explained.who)],
    ['route', route === undefined ? 'none' : `${route.name}  ${route.from}  ${file}:${route.line}`],
    ['outcome', outcomeOf(explained)],
    ...(note === undefined ? [] : [['', note]]),
    ...explained.furthermore.map((each) => ['also', each]),
    ...(explained.observed === undefined
      ? []
      : [['observed', `would be ${explained.observed.outcome}${because(explained.observed.reasons)}`]]),
    ...(logged === undefined ? [] : [['logged', loggedOf(explained, logged)]]),
    [
      'file',
      `${file}, checksum ${explained.checksum.slice(0, SHORT_CHECKSUM)}${changeOf(logged?.hasChanged)}`,
    ],
    ...Object.entries(explained.inputs).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ]
  const sections = [
    alignedLines(head),
    criteria.length === 0 ? '' : `\ncriteria\n${alignedLines(criteria.map(rowOf), '  ')}`,
    passedOver.length + otherHosts === 0 ? '' : `\nnot chosen\n${alignedLines(others(), '  ')}`,
    ...explained.advice.map(({ policy, explanation, remediation }) =>
      plain(`\n${policy}: ${[explanation, remediation].filter(Boolean).join(' ')}`).concat('\n'),
    ),
  ]
  return sections.join('')

  function others(): string[][] {
    const rows = passedOver.slice(0, MOST_ROUTES).map(({ line, name, why }) => [`line ${line}`, name, why])
    const hidden = passedOver.length - rows.length
    if (hidden > 0) rows.push(['', '', `${count(hidden, 'more route')} for this host`])
    return otherHosts === 0 ? rows : [...rows, ['', '', `${count(otherHosts, 'route')} for other hosts`]]
  }
}

function rowOf({ line, action, criterion, truth, reason, policy, mode }: Criterion): string[] {
  const remarks = [policy && `policy ${policy}`, mode && 'only observed'].filter(Boolean)
  return [
    `line ${line}`,
    action,
    criterion,
    truth,
    remarks.length === 0 ? reason : `${reason}  (${remarks.join(', ')})`,
  ]
}

function whoOf(who: Subject): string {
  if (who.kind === 'anonymous') return 'anonymous'
  const { kind, email, userId, groups, knownGroups = [] } = who
  const called = email === undefined ? userId : `${email} (user ${userId})`
  const certain = groups === 'unknown' ? knownGroups : groups
  const nothing = groups === 'unknown' ? 'unknown' : ''
  const shown = certain.length === 0 ? nothing : certain.slice(0, MOST_GROUPS).join(', ')
  const rest = certain.length > MOST_GROUPS ? ` and ${certain.length - MOST_GROUPS} more` : ''
  const more = groups === 'unknown' && certain.length > 0 ? `${rest}, and perhaps others` : rest
  return `${kind === 'user' ? '' : `${kind} `}${called}, groups: ${shown === '' ? 'none' : shown}${more}`
}

function outcomeOf({ outcome, reasons }: Explanation): string {
  return `${outcome === 'unknown' ? 'cannot be told' : outcome}${because(reasons)}`
}

const because = (reasons: readonly string[]): string =>
  reasons.length === 0 ? '' : ` because of ${reasons.join(', ')}`

function loggedOf(now: Explanation, logged: NonNullable<Explanation['logged']>): string {
  const then = `${logged.outcome}${because(logged.reasons)}`
  // A step-up comes after the policy, which has allowed.
  const outcome = logged.outcome === 'step-up' ? 'allow' : logged.outcome
  if (now.outcome === 'unknown') return then
  return outcome === now.outcome
    ? `${then}; it would be the same now`
    : `${then}; it would be ${now.outcome} now`
}

function changeOf(hasChanged: boolean | undefined): string {
  if (hasChanged === undefined) return ''
  return hasChanged ? ', not the one that decided' : ', the very one that decided'
}
