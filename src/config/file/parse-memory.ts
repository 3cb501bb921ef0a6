/**
 * What the last parse of a file found out, so that the next one need only look at what changed.
 *
 * Entries of the route list are known by their text, and routes by the very value that came of it. Entries
 * are parsed one by one: the tree of a whole file of 10,000 routes takes a gigabyte of memory.
 *
 * @module
 */

import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { ConfigPath, Route } from '../config.ts'
import { isKeyed, readYaml, type YamlFile } from './yaml-file.ts'
import { excerpt, type SplitYaml, splitYaml } from './yaml-items.ts'

/** What begins in one entry, such as a quote, and ends in none of so many more is not closed at all. */
const ITEMS_AROUND_MISTAKE = 20

export class ParseMemory {
  #rest: { readonly text: string; readonly value: Readonly<Record<string, unknown>> } | undefined
  #items: ReadonlyMap<string, unknown> = new Map()
  /** Those that were parsed with the whole file, by a digest of what they say. */
  #entries: ReadonlyMap<string, object> = new Map()
  readonly #routes = new WeakMap<object, Route>()

  /** The same as `readYaml`, sooner. */
  read(text: string): YamlFile {
    const split = splitYaml(text)
    return (split && this.#readItems(split, text)) ?? this.#readWhole(text)
  }

  /**
   * Of a file with anchors, say: all of it is parsed, and entries that say the same are the very ones from
   * before.
   */
  #readWhole(text: string): YamlFile {
    const file = readYaml(text)
    if (!isKeyed(file.value)) return file
    const entries = new Map<string, object>()
    const value = Object.fromEntries(
      Object.entries(file.value).map(([key, held]) => [
        key,
        (key === 'routes' || key === 'policy') && Array.isArray(held)
          ? held.map((entry: unknown) => this.#asBefore(entry, entries))
          : held,
      ]),
    )
    this.#entries = entries
    return { ...file, value }
  }

  #asBefore(entry: unknown, entries: Map<string, object>): unknown {
    if (typeof entry !== 'object' || entry === null) return entry
    const digest = hash('sha256', JSON.stringify(entry))
    const before = this.#entries.get(digest)
    // JSON has one word for several values, such as those that are no numbers.
    const same = before !== undefined && isDeepStrictEqual(before, entry) ? before : entry
    entries.set(digest, same)
    return same
  }

  routeOf(raw: object): Route | undefined {
    return this.#routes.get(raw)
  }

  /** Keeps a route that has no mistakes and depends on nothing but its own keys. */
  keepRoute(raw: object, route: Route): void {
    this.#routes.set(raw, route)
  }

  /** Undefined where only a parse of the whole can tell. */
  #readItems(split: SplitYaml, text: string): YamlFile | undefined {
    const items = new Map<string, unknown>()
    for (const [index, { text: own }] of split.items.entries()) {
      if (items.has(own)) continue
      if (this.#items.has(own)) {
        items.set(own, this.#items.get(own))
        continue
      }
      // Undefined where there is any mistake.
      const { value } = readYaml(own)
      if (!Array.isArray(value) || value.length !== 1) return mistakesFrom(index, split, text)
      items.set(own, value[0])
    }
    const rest = this.#rest?.text === split.rest ? this.#rest.value : restOf(split)
    if (rest === undefined) return mistakesFrom(0, split, text)
    this.#items = items
    this.#rest = { text: split.rest, value: rest }
    return {
      value: { ...rest, [split.list]: split.items.map((item) => items.get(item.text)) },
      mistakes: [],
      locate: locator(split, text),
    }
  }
}

/** The keys beside the list, whose own value is empty now. */
function restOf(split: SplitYaml): Readonly<Record<string, unknown>> | undefined {
  const { value } = readYaml(split.rest)
  if (!isKeyed(value)) return undefined
  const { [split.list]: list, ...rest } = value
  return list === null ? rest : undefined
}

/**
 * What is wrong from an entry on, when it shows within a few more; undefined when it does not. A short list
 * is better read as a whole: what is wrong before it may be told of the entries as well.
 */
function mistakesFrom(index: number, split: SplitYaml, text: string): YamlFile | undefined {
  if (split.items.length <= ITEMS_AROUND_MISTAKE) return undefined
  const read = readYaml(excerpt(text, split, index, index + ITEMS_AROUND_MISTAKE))
  return read.mistakes.length > 0 ? read : undefined
}

/** Finds places by a second parse of the entry alone, or of what stands beside the list. */
function locator(split: SplitYaml, text: string): YamlFile['locate'] {
  let last:
    | { readonly index: ConfigPath[number] | undefined; readonly locate: YamlFile['locate'] }
    | undefined
  let beside: YamlFile | undefined
  return (path: ConfigPath, on) => {
    const [list, index, ...below] = path
    const item = list === split.list ? split.items[Number(index)] : undefined
    if (item === undefined) {
      beside ??= readYaml(excerpt(text, split, 0, 1))
      return beside.locate(path, on)
    }
    if (below.length === 0) return { line: item.line, column: item.column }
    if (last === undefined || last.index !== index) last = { index, locate: readYaml(item.text).locate }
    const { line, column } = last.locate([0, ...below], on)
    return { line: item.line - 1 + line, column }
  }
}
