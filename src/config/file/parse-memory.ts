/**
 * What the last parse of a file found out, so that the next one need only look at what changed.
 *
 * Entries of the route list are known by their text, and routes by the very value that came of it.
 *
 * @module
 */

import type { Route } from '../config.ts'
import { isKeyed, readYaml, type YamlFile } from './yaml-file.ts'
import { type SplitYaml, splitYaml } from './yaml-items.ts'

/** With more new entries than this, one parse of the whole is the faster way. */
const MOST_NEW_ITEMS = 200

export class ParseMemory {
  #rest: { readonly text: string; readonly value: Readonly<Record<string, unknown>> } | undefined
  #items: ReadonlyMap<string, unknown> = new Map()
  readonly #routes = new WeakMap<object, Route>()

  /** The same as `readYaml`, sooner. */
  read(text: string): YamlFile {
    const split = splitYaml(text)
    const known = split === undefined ? undefined : this.#readChanges(split, text)
    if (known !== undefined) return known
    const whole = readYaml(text)
    if (split !== undefined && whole.mistakes.length === 0) this.#keep(split, whole.value)
    return whole
  }

  routeOf(raw: object): Route | undefined {
    return this.#routes.get(raw)
  }

  /** Keeps a route that has no mistakes and depends on nothing but its own keys. */
  keepRoute(raw: object, route: Route): void {
    this.#routes.set(raw, route)
  }

  #readChanges(split: SplitYaml, text: string): YamlFile | undefined {
    if (this.#rest === undefined) return undefined
    const unknown = split.items.filter((item) => !this.#items.has(item.text))
    if (unknown.length > MOST_NEW_ITEMS) return undefined
    const fresh = new Map<string, unknown>()
    for (const item of unknown) {
      const { value, mistakes } = readYaml(item.text)
      if (mistakes.length > 0 || !Array.isArray(value) || value.length !== 1) return undefined
      fresh.set(item.text, value[0])
    }
    const rest = this.#rest.text === split.rest ? this.#rest.value : restOf(split)
    if (rest === undefined) return undefined

    const items = new Map(
      split.items.map((item) => [item.text, this.#items.get(item.text) ?? fresh.get(item.text)]),
    )
    this.#items = items
    this.#rest = { text: split.rest, value: rest }
    let whole: YamlFile | undefined
    return {
      value: { ...rest, [split.list]: split.items.map((item) => items.get(item.text)) },
      mistakes: [],
      locate: (path, on) => {
        const [list, index] = path
        const item = path.length === 2 && list === split.list ? split.items[Number(index)] : undefined
        if (item !== undefined) return { line: item.line, column: item.column }
        whole ??= readYaml(text)
        return whole.locate(path, on)
      },
    }
  }

  #keep(split: SplitYaml, value: unknown): void {
    if (!isKeyed(value)) return
    const { [split.list]: list, ...rest } = value
    if (!Array.isArray(list) || list.length !== split.items.length) return
    this.#items = new Map(split.items.map((item, index) => [item.text, list[index]]))
    this.#rest = { text: split.rest, value: rest }
  }
}

/** The keys beside the list, whose own value is empty now. */
function restOf(split: SplitYaml): Readonly<Record<string, unknown>> | undefined {
  const { value, mistakes } = readYaml(split.rest)
  if (mistakes.length > 0 || !isKeyed(value)) return undefined
  const { [split.list]: list, ...rest } = value
  return list === null ? rest : undefined
}
