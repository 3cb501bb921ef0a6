/**
 * Tells of a configuration that has lost most of its routes: more often a file that was cut off than a wish.
 *
 * @module
 */

import type { Config } from '../config.ts'

/** Below this a file is short enough to be seen whole by whoever edits it. */
const FEWEST = 4

/** A sentence when less than half of the routes are left; the configuration is taken all the same. */
export function lostRoutes(before: Config, after: Config): readonly string[] {
  const kept = new Set(after.routes.map(({ id }) => id))
  const left = before.routes.filter(({ id }) => kept.has(id)).length
  const total = before.routes.length
  if (total < FEWEST || left * 2 >= total) return []
  return [
    `only ${left} of the ${total} routes before are left in ${after.file}: was the file cut off? ` +
      'Nobody reaches the others now',
  ]
}
