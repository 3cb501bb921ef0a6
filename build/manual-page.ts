/**
 * The manual page, made from the table of commands as the help is.
 *
 * @see https://man7.org/linux/man-pages/man7/man-pages.7.html
 * @module
 */
import type { Command, Commands } from '../src/cli/command.ts'

export function manualPage(commands: Commands, version: string): string {
  return `.TH SALLYPORT 1 "" "Sallyport ${escaped(version)}"
.SH NAME
sallyport \\- identity\\-aware access proxy that drives a stock Envoy
.SH SYNOPSIS
.B sallyport
.I command
.RI [ options ]
.SH COMMANDS
${Object.entries(commands)
  .map(([name, command]) => commandText(name, command))
  .join('')}.SH EXIT STATUS
0 if all is well, 2 for a command line that makes no sense, else as the command says.
.SH FILES
.TP
.I /etc/sallyport/config.yaml
the configuration of the service
.TP
.I /var/lib/sallyport
its state: sessions, keys, the local certificate authority
`
}

function commandText(name: string, { summary, names, options, examples, exits }: Command): string {
  const line = [name, ...names.map(({ shown }) => shown)].join(' ')
  const flags = Object.entries(options).map(
    ([option, { short, value, about }]) =>
      `.TP\n\\fB${escaped(`${short === undefined ? '' : `-${short}, `}--${option}`)}\\fR` +
      `${value === undefined ? '' : ` \\fI${escaped(value)}\\fR`}\n${escaped(about)}\n`,
  )
  const shown = examples.map(([text, does]) => `.PP\n.nf\n${escaped(text)}\n.fi\n${escaped(does)}\n`)
  return [
    `.SS ${escaped(line)}\n${escaped(summary)}\n`,
    ...flags,
    ...shown,
    ...(exits === undefined ? [] : [`.PP\nExit status ${escaped(exits)}\n`]),
  ].join('')
}

/** A line that begins with a dot or a quote would be a request of roff. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^(?=[.'])/gm, '\\&')
}
