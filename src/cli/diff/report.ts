/**
 * The changes of a new configuration as text for a terminal, or as Markdown for a comment on a pull request.
 *
 * @module
 */
import { plain } from '../../plain-text.ts'
import { alignedLines, count } from '../table.ts'
import type { Change, Side, Summary } from './changes.ts'
import type { Kind } from './kinds.ts'

const VERBS: Readonly<Record<Kind, string>> = {
  lose: 'loses',
  gain: 'gains',
  unknown: 'cannot be told',
  observed: 'observed',
  other: 'other refusal',
}

export function textReport(changes: readonly Change[], summary: Summary): string {
  const rows = changes.map((change) => {
    const { kind, who, method, url } = change
    return [VERBS[kind], who, `${method} ${url}`, times(change), fromTo(change), placeOf(change)]
  })
  return `${alignedLines(rows)}${rows.length === 0 ? '' : '\n'}${summaryText(summary).join('\n')}\n`
}

/** A comment has a limit, and a reader too. */
const MOST_ROWS = 200

export function markdownReport(changes: readonly Change[], summary: Summary): string {
  const rows = changes.slice(0, MOST_ROWS).map((change) => {
    const { kind, who, method, url } = change
    const cells = [
      VERBS[kind],
      who,
      `${method} ${url}`,
      String(change.count),
      fromTo(change),
      placeOf(change),
    ]
    return `| ${cells.map(cellOf).join(' | ')} |`
  })
  const table =
    rows.length === 0
      ? []
      : ['| | who | request | times | from → to | by |', '|---|---|---|---|---|---|', ...rows, '']
  const hidden = changes.length - rows.length
  const more = hidden > 0 ? [`and ${count(hidden, 'row')} more`, ''] : []
  return `${[...table, ...more, ...summaryText(summary)].join('\n')}\n`
}

const times = (change: Change): string => count(change.count, 'time')

/** What came from a request must not make a cell, a link or a tag. */
const cellOf = (text: string): string =>
  plain(text).replaceAll(/[\\`*_{}[\]<>|~@&]/g, (letter) => `&#${letter.charCodeAt(0)};`)

function fromTo({ before, after, kind }: Change): string {
  if (kind === 'unknown') return `was ${sideText(before)}; the log does not have ${after.reasons.join(', ')}`
  return `${kind === 'observed' ? '' : 'was '}${sideText(before)} → ${kind === 'observed' ? 'would be ' : ''}${sideText(after)}`
}

const sideText = ({ outcome, reasons }: Side): string => [outcome, ...reasons].join(' ')

function placeOf({ route, line, rules }: Change): string {
  if (route === undefined) return 'no route'
  return `route ${route} (line ${line})${rules.length === 0 ? '' : `: ${rules.join(', ')}`}`
}

function summaryText(summary: Summary): readonly string[] {
  const { decisions, counts, alreadyDifferent, withoutPolicy, brokenLines, unlisted } = summary
  const { lose, gain, unknown, observed, other } = counts
  const remarks = [
    observed > 0 && `${observed} would change if observed rules counted`,
    other > 0 && `${other} refused in another way`,
    alreadyDifferent > 0 && `${alreadyDifferent} would be decided differently today already`,
    withoutPolicy > 0 && `${withoutPolicy} not decided by a policy`,
    brokenLines > 0 && `${count(brokenLines, 'line')} could not be read`,
    unlisted > 0 && `${unlisted} changes are not listed`,
  ].filter((remark) => remark !== false)
  return [
    `${count(decisions, 'decision')}: ${lose} lose, ${gain} gain, ${unknown} cannot be told`,
    ...(remarks.length === 0 ? [] : [remarks.join('; ')]),
  ]
}
