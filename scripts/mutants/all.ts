/**
 * All mutants, from the lists of this folder: one list a topic.
 *
 * @module
 */
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Mutant } from './mutant.ts'

export interface ListedMutant extends Mutant {
  /** Name of the list, without its ending. */
  readonly list: string
}

const NO_LISTS = new Set(['mutant.ts', 'all.ts', 'choice.ts'])

export async function allMutants(): Promise<readonly ListedMutant[]> {
  const files = readdirSync(import.meta.dirname).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !NO_LISTS.has(name),
  )
  const lists = files.toSorted().map(async (name) => {
    const { MUTANTS }: { readonly MUTANTS: readonly Mutant[] } = await import(
      pathToFileURL(join(import.meta.dirname, name)).href
    )
    return MUTANTS.map((mutant) => ({ ...mutant, list: basename(name, '.ts') }))
  })
  return (await Promise.all(lists)).flat()
}

/** `src/policy/judge.ts` is of the room `src/policy`, `envoy/run.ts` of `envoy`. */
export function roomOf(file: string): string {
  const [top = '', below = ''] = file.split('/')
  return top === 'src' ? `${top}/${below}` : top
}
