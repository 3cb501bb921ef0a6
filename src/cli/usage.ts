/**
 * The help: of everything, and of one command.
 *
 * @module
 */
import type { Command, CommandGroup, OptionSpec } from './command.ts'
import { alignedLines } from './table.ts'

const COMMON = [
  ['-h, --help', 'this, or after a command: its own help'],
  ['    --version', ''],
]

/** @param about what the program is, in a line */
export function usage(about: string, groups: readonly CommandGroup[]): string {
  const names = groups.flatMap(({ commands }) => Object.keys(commands))
  const width = Math.max(...names.map(({ length }) => length))
  const lists = groups.map(({ heading, commands }) => {
    const rows = Object.entries(commands).map(([name, { summary }]) => [name.padEnd(width), summary])
    return `${heading}\n${alignedLines(rows, '  ')}`
  })
  return `sallyport: ${about}

Usage: sallyport <command> [options]

${lists.join('\n')}
Options
${alignedLines(COMMON, '  ')}
sallyport <command> --help tells the options of a command, with examples.
`
}

export function usageOf(name: string, { summary, names, options, examples, exits }: Command): string {
  const taken = Object.entries(options)
  const rows = taken.map(([option, spec]) => [flagsOf(option, spec), spec.about])
  const line = [
    'sallyport',
    name,
    ...names.map(({ shown }) => shown),
    ...(taken.length === 0 ? [] : ['[options]']),
  ]
  return [
    `${summary}\n`,
    `Usage: ${line.join(' ')}\n`,
    ...(taken.length === 0 ? [] : [`Options\n${alignedLines(rows, '  ')}`]),
    ...(examples.length === 0
      ? []
      : [`Examples\n${examples.map(([text, does]) => `  ${text}\n      ${does}\n`).join('')}`]),
    ...(exits === undefined ? [] : [`Exit codes besides 0 (well) and 2 (wrong usage)\n  ${exits}\n`]),
  ].join('\n')
}

function flagsOf(name: string, { short, value }: OptionSpec): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
}
