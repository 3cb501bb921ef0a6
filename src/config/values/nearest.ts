/**
 * "Did you mean …?"
 *
 * @module
 */

/** Edits (insert, delete, replace, swap of neighbours) that turn one word into the other. */
export function distance(one: string, other: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= other.length; column += 1) {
      const cost = one[row - 1] === other[column - 1] ? 0 : 1
      let edits = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + cost,
      )
      if (row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]) {
        edits = Math.min(edits, (beforeLast[column - 2] ?? 0) + 1)
      }
      current.push(edits)
    }
    beforeLast = last
    last = current
  }
  return last[other.length] ?? 0
}

function plain(text: string): string {
  return text.toLowerCase().replaceAll(/[-_ ]/g, '')
}

/** The known word that the operator most likely meant, if one is near enough to say so. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const target = plain(word).slice(0, 80)
  let best: string | undefined
  let bestEdits = Math.max(1, Math.floor(target.length / 3)) + 1
  for (const candidate of known) {
    const plainCandidate = plain(candidate)
    // A difference in length is a lower bound of the edits, and far cheaper to see.
    if (Math.abs(plainCandidate.length - target.length) >= bestEdits) continue
    const edits = distance(target, plainCandidate)
    if (edits < bestEdits) {
      best = candidate
      bestEdits = edits
    }
  }
  if (best !== undefined || target.length < 4) return best
  // "warning" for "warn", "allow_websocket_upgrades" for "allow_websockets".
  return known.find((candidate) => {
    const plainCandidate = plain(candidate)
    return (
      plainCandidate.length >= 4 && (target.startsWith(plainCandidate) || plainCandidate.startsWith(target))
    )
  })
}
