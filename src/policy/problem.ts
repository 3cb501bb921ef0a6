/**
 * What is wrong with a policy, and where: config/ turns the path into file, line and column.
 *
 * @module
 */

/** Keys and indices from the route down: `['policy', 0, 'allow', 'or', 2, 'email']`. */
export type Path = readonly (string | number)[]

export interface PolicyProblem {
  readonly path: (string | number)[]
  readonly message: string
  /** The path begins at the top of the file: the policy is one that routes share. */
  readonly isShared?: true
}

/** Called once for each mistake; compiling goes on, so that all are told at once. */
export type Report = (path: Path, message: string) => void

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
