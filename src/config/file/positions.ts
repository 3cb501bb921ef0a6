/**
 * Where the values of a configuration stand in its file: for commands that show the line of a rule.
 *
 * Worked out from the text once more, since a configuration that is served has no need of it.
 *
 * @module
 */

import type { Config, ConfigPath, Route } from '../config.ts'
import { isKeyed, readYaml } from './yaml-file.ts'

interface Place {
  readonly line: number
  readonly column: number
}

export interface Positions {
  /** Of a value by its path, where routes of both lists count through as `routes`. */
  of(path: ConfigPath): Place
  /** Of a value by its path within a route. */
  within(route: Route, path: ConfigPath): Place
}

/** @param text what `config` was read from */
export function positionsIn(config: Config, text: string): Positions {
  const { value, locate } = readYaml(text)
  const paths = new Map<string, ConfigPath>()
  for (const list of ['policy', 'routes'] as const) {
    const entries: unknown = isKeyed(value) ? value[list] : undefined
    if (!Array.isArray(entries)) continue
    for (const index of entries.keys()) {
      const { line, column } = locate([list, index])
      paths.set(`${line}:${column}`, [list, index])
    }
  }
  const within = (route: Route, path: ConfigPath) => {
    const { line, column } = route.position
    const start = paths.get(`${line}:${column}`)
    return start === undefined ? { line, column } : locate([...start, ...path])
  }
  return {
    within,
    of([list, index, ...rest]) {
      const route = list === 'routes' && typeof index === 'number' ? config.routes[index] : undefined
      return route === undefined
        ? locate([list ?? '', ...(index === undefined ? [] : [index]), ...rest])
        : within(route, rest)
    },
  }
}
