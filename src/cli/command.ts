/**
 * What one command of the command line says of itself: its parsing, its help page and the completion of
 * shells come from it.
 *
 * @module
 */

export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly multiple?: true
  /** What stands for the value in the help: `FILE`. */
  readonly value?: string
  /** The only values there are; any other is refused before the command runs. */
  readonly choices?: readonly string[]
  /** Several of the choices, with commas between them. */
  readonly isList?: true
  /** An environment variable that says it where the option is not given; for options of choice. */
  readonly variable?: string
  /** The value is a path, which shells complete. */
  readonly isPath?: true
  readonly about: string
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

type ValueOf<Spec extends OptionSpec> = Spec extends {
  readonly isList: true
  readonly choices: readonly (infer Choice)[]
}
  ? readonly Choice[]
  : Spec extends { readonly choices: readonly (infer Choice)[] }
    ? Choice
    : Spec['type'] extends 'boolean'
      ? boolean
      : Spec extends { readonly multiple: true }
        ? readonly string[]
        : string

export type ValuesOf<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]?: ValueOf<Specs[Name]> | undefined
}

export interface NameSpec {
  /** As the help shows it: `NEW`, `[FILE]`. */
  readonly shown: string
  /** One of these must be given. */
  readonly choices?: readonly string[]
  /** An address may stand there as well, or nothing; for names of choice. */
  readonly orAddress?: true
  readonly isPath?: true
}

type NamesOf<Specs extends readonly NameSpec[]> = {
  readonly [Index in keyof Specs]: Specs[Index] extends { readonly orAddress: true }
    ? string | undefined
    : Specs[Index] extends { readonly choices: readonly (infer Choice)[] }
      ? Choice
      : string | undefined
}

export interface Command {
  /** One line. */
  readonly summary: string
  /** Another name of it, which the help does not show. */
  readonly also?: string
  /** What may stand after the command, in this order. */
  readonly names: readonly NameSpec[]
  readonly options: OptionSpecs
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[]
  /** What the exit codes mean beyond 0 and 2, which is a command line that makes no sense. */
  readonly exits?: string
  /**
   * Loads what it needs: `validate` should not wait for the proxy's libraries.
   *
   * @param values of the options, as the command line has them, checked against the choices
   * @returns the exit code
   */
  run(values: Values, names: readonly string[], commands: Commands): Promise<number>
}

/** By name, in the order in which the help shows them. */
export type Commands = Readonly<Record<string, Command>>

/** What the help shows under one heading. */
export interface CommandGroup {
  readonly heading: string
  readonly commands: Commands
}

export const commandsOf = (groups: readonly CommandGroup[]): Commands =>
  Object.fromEntries(groups.flatMap(({ commands }) => Object.entries(commands)))

export type Values = Readonly<Record<string, unknown>>

/** A command whose values have the types that its options and names say. */
export function command<const Specs extends OptionSpecs, const Names extends readonly NameSpec[]>(
  of: Omit<Command, 'names' | 'options' | 'run'> & {
    readonly names: Names
    readonly options: Specs
    run(values: ValuesOf<Specs>, names: NamesOf<Names>, commands: Commands): Promise<number>
  },
): Command {
  return {
    ...of,
    run: (values, names, commands) =>
      // oxlint-disable-next-line no-unsafe-type-assertion -- the command line was read by these very specs
      of.run(values as ValuesOf<Specs>, names as unknown as NamesOf<Names>, commands),
  }
}
