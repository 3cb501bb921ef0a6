/**
 * The reference of criteria, made from what each of them says of itself.
 *
 * @module
 */
import { stringify } from 'yaml'
import { CRITERIA_SECTIONS } from '../src/policy/criteria/criteria.ts'
import type { Kind } from '../src/policy/criteria/kind.ts'

export function policyReference(): string {
  return [
    '# Criteria of the policy language',
    '',
    '<!-- Made by `npm run gen:config` from src/policy/; edit the criteria, not this page. -->',
    '',
    ...INTRODUCTION,
    ...CRITERIA_SECTIONS.flatMap(({ title, kinds }) => [
      `## ${title}`,
      '',
      ...Object.entries(kinds).flatMap(([name, kind]) => section(name, kind)),
    ]),
  ].join('\n')
}

const INTRODUCTION = [
  'Each criterion is one entry of a list under `and`, `or`, `not` or `nor`. [Policy language](policy.md) says how they make a',
  'decision and what [matchers](policy.md#matchers) there are. The [cookbook](policy-cookbook.md) shows them in use. A fact that',
  'could not be had makes a criterion [unknown](policy.md#unknown), which is neither yes nor no.',
  '',
]

function section(name: string, kind: Kind): readonly string[] {
  const full = kind.subPath === undefined ? name : `${name}/<${kind.subPath}>`
  const written = kind.subPath === undefined ? name : `${name}/department`
  return [
    `### \`${full}\``,
    '',
    `Holds ${opening(kind.holds)}${kind.holds}.`,
    '',
    '```',
    `- ${written}: ${stringify(kind.example, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd()}`,
    '```',
    '',
    `- Data: ${kind.data}.`,
    ...(kind.needs === undefined ? [] : [`- ${needed(kind.needs)}.`]),
    `- Reasons: ${kind.reasons.map((reason) => `\`${reason}\``).join(', ')}.`,
    '',
  ]
}

const NONE_YET: Readonly<Record<string, string>> = {
  ssh: 'Refused for now: no route is a login over SSH yet',
  mcp: 'Refused for now: no route serves MCP yet',
  devices: 'Refused for now: devices can’t be enrolled yet',
}

const needed = (need: string): string => NONE_YET[need] ?? `Needs the global key \`${need}\``

/** Some hold always or never, others when something is so. */
function opening(holds: string): string {
  return /^(?:always|never)$/.test(holds) ? '' : 'when '
}
