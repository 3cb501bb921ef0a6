/**
 * Scripts by which shells complete commands, options and their values: made from the table of commands.
 *
 * @module
 */
import type { Command, Commands, NameSpec, OptionSpec } from './command.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

export function completionFor(shell: (typeof SHELLS)[number], commands: Commands): string {
  return { bash, zsh, fish }[shell](commands)
}

/** In single quotes, for any of the three. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

const flagsOf = ({ options }: Command): readonly string[] =>
  ['help', ...Object.keys(options)].map((name) => `--${name}`)

function bash(commands: Commands): string {
  const cases = Object.entries(commands).map(([name, command]) => {
    const values = Object.entries(command.options)
      .filter(([, { type }]) => type === 'string')
      .map(([option, spec]) => {
        const flags = spec.short === undefined ? `--${option}` : `--${option}|-${spec.short}`
        return `        ${flags}) ${bashValues(spec)}; return ;;`
      })
    const words = command.names.flatMap(({ choices = [] }) => choices)
    const files = command.names.some(({ isPath }) => isPath === true) ? ` $(compgen -f -- "$word")` : ''
    return `    ${name})
      case "$before" in
${[...values, '        *) ;;'].join('\n')}
      esac
      COMPREPLY=($(compgen -W ${quoted([...flagsOf(command), ...words].join(' '))} -- "$word")${files}) ;;`
  })
  return `# bash completion of sallyport
_sallyport() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted(['--help', '--version', ...Object.keys(commands)].join(' '))} -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
}
complete -o filenames -F _sallyport sallyport
`
}

function bashValues({ choices, isPath }: OptionSpec): string {
  if (choices !== undefined) return `COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$word"))`
  return isPath === true ? `COMPREPLY=($(compgen -f -- "$word"))` : ':'
}

function zsh(commands: Commands): string {
  const described = Object.entries(commands).map(
    ([name, { summary }]) => `    ${quoted(`${name}:${summary}`)}`,
  )
  const cases = Object.entries(commands).map(([name, command]) => {
    const options = Object.entries(command.options).flatMap(([option, spec]) => zshOption(option, spec))
    const names = command.names.map((spec, index) =>
      quoted(`${index + 1}:${zshText(spec.shown)}:${zshAction(spec)}`),
    )
    const all = [quoted('(-h --help)'.concat('--help[help]')), ...options, ...names]
    return `    ${name}) _arguments ${all.join(' ')} ;;`
  })
  return `#compdef sallyport
_sallyport() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local chosen="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$chosen" in
${cases.join('\n')}
  esac
}
if [ "\${funcstack[1]}" = _sallyport ]; then _sallyport "$@"; else compdef _sallyport sallyport; fi
`
}

/** What \`_arguments\` reads as its own. */
const zshText = (text: string): string => text.replaceAll(/[[\]:\\]/g, (sign) => `\\${sign}`)

function zshOption(name: string, spec: OptionSpec): readonly string[] {
  const many = spec.multiple === true ? '*' : ''
  const value = spec.type === 'string' ? `:${zshText(spec.value ?? 'value')}:${zshAction(spec)}` : ''
  return [
    name.length === 1 ? `-${name}` : `--${name}`,
    ...(spec.short === undefined ? [] : [`-${spec.short}`]),
  ].map((flag) => quoted(`${many}${flag}[${zshText(spec.about)}]${value}`))
}

function zshAction({ choices, isPath }: Pick<OptionSpec & NameSpec, 'choices' | 'isPath'>): string {
  if (choices !== undefined) return `(${choices.join(' ')})`
  return isPath === true ? '_files' : ''
}

function fish(commands: Commands): string {
  const lines = Object.entries(commands).flatMap(([name, command]) => {
    const within = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`
    const options = Object.entries(command.options).map(([option, spec]) =>
      [
        `complete -c sallyport ${within} -l ${option}`,
        ...(spec.short === undefined ? [] : [`-s ${spec.short}`]),
        ...(spec.type === 'string' ? [fishValue(spec)] : []),
        `-d ${quoted(spec.about)}`,
      ].join(' '),
    )
    const names = command.names.flatMap((spec) =>
      spec.choices === undefined && spec.isPath !== true
        ? []
        : [`complete -c sallyport ${within} ${fishName(spec)}`],
    )
    return [
      `complete -c sallyport -n __fish_use_subcommand -f -a ${name} -d ${quoted(command.summary)}`,
      ...options,
      ...names,
    ]
  })
  return `# fish completion of sallyport\ncomplete -c sallyport -f\n${lines.join('\n')}\n`
}

function fishValue({ choices, isPath }: OptionSpec): string {
  if (choices !== undefined) return `-x -a ${quoted(choices.join(' '))}`
  return isPath === true ? '-r -F' : '-x'
}

const fishName = ({ choices }: NameSpec): string =>
  choices === undefined ? '-F' : `-f -a ${quoted(choices.join(' '))}`
