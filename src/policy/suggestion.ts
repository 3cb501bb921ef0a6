/**
 * What to write instead of an unknown name.
 *
 * @module
 */

/** More slips than this and another word was meant. */
const SLIPS_PER_LETTER = 0.4
const SHORT_CHOICE = 8

const disjunction = new Intl.ListFormat('en', { type: 'disjunction' })

/** `; did you mean "groups"?`, or the whole choice if nothing is near and it is short, or nothing. */
export function suggestion(typed: string, known: readonly string[]): string {
  const name = typed.toLowerCase().replaceAll('-', '_')
  const near = known
    .map((candidate) => ({ candidate, edits: editsBetween(name, candidate) }))
    .filter(({ candidate, edits }) => edits <= Math.max(name.length, candidate.length) * SLIPS_PER_LETTER)
    .toSorted((a, b) => a.edits - b.edits)[0]
  if (near !== undefined) return `; did you mean "${near.candidate}"?`
  return known.length > 0 && known.length <= SHORT_CHOICE ? `; write ${choiceOf(known)}` : ''
}

/** `allow or deny`. */
export function choiceOf(known: readonly string[]): string {
  return disjunction.format(known)
}

/** Levenshtein distance: how many letters to insert, delete or change. */
export function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j++) {
      const change = (row[j] ?? 0) + (from[i] === to[j] ? 0 : 1)
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
