/** One line that security depends on, and how to break it. */
export interface Mutant {
  /** From the root of the checkout. */
  readonly file: string
  /** Source text that stands exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** Test files, or patterns of them, of which one at least must fail. */
  readonly tests: readonly string[]
  /** What somebody could do if the line were like this. */
  readonly breaks: string
  /** Why no test notices it, for a mutant that is known to survive. */
  readonly survives?: string
}
