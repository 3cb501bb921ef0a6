/**
 * YAML text → plain value, with a way to find the place of each value.
 *
 * Places are looked up only when there is something to report, by offsets that the parser keeps anyway.
 *
 * @module
 */

import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml'
import type { ConfigPath } from '../config.ts'

interface Place {
  readonly line: number
  readonly column: number
}

export interface YamlFile {
  readonly value: unknown
  readonly mistakes: readonly (Place & { readonly message: string })[]
  /** Place of the value at a path; of its key where the value is a block, or with `on: 'key'`. */
  readonly locate: (path: ConfigPath, on?: 'key' | 'value') => Place
}

/** A map of keys, as YAML and JSON know it. */
export function isKeyed(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** More than any real file: 50,000 routes are some 12 MB. */
const LONGEST_TEXT = 64 * 1024 * 1024
/** Copies that aliases may make, by the parser's own count; beyond lies a "billion laughs". */
const MOST_ALIASES = 10_000
const MOST_MISTAKES = 20

/** Turns offsets into lines and columns, both from 1. */
function lineFinder(text: string): (offset: number) => Place {
  let starts: number[] | undefined
  return (offset) => {
    if (starts === undefined) {
      starts = [0]
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
    }
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
}

export function readYaml(text: string): YamlFile {
  const placeOf = lineFinder(text)
  const broken = (message: string, offset = 0): YamlFile => ({
    value: undefined,
    mistakes: [{ ...placeOf(offset), message }],
    locate: () => placeOf(offset),
  })
  if (text.length > LONGEST_TEXT) return broken('is larger than 64 MiB')
  try {
    const document = parseDocument(text, {
      merge: true,
      prettyErrors: false,
      stringKeys: true,
      logLevel: 'error',
    })
    // One slip can upset all that follows it; the first few say enough. An editor's tabs are one slip.
    const all = [...document.errors, ...document.warnings].slice(0, MOST_MISTAKES).map((error) => ({
      ...placeOf(error.pos[0]),
      message: sentenceOf(error, document, placeOf),
    }))
    const tabs = all.find(({ message }) => message.includes('tabs are not allowed'))
    const mistakes = all.filter((each) => each === tabs || each.message !== tabs?.message)
    const targets = new Map<Alias, Node>()
    const locate = locator(document, placeOf, targets)
    if (mistakes.length > 0) return { value: undefined, mistakes, locate }
    const bad = lostKey(document) ?? resolveAliases(document, targets)
    if (bad !== undefined) return broken(bad.message, bad.offset)
    return { value: document.toJS({ maxAliasCount: MOST_ALIASES }), mistakes, locate }
  } catch (error) {
    if (error instanceof RangeError) return broken('is nested too deeply')
    // The parser throws this alone, and only while it copies aliases.
    if (error instanceof ReferenceError) {
      return broken('has aliases that multiply beyond all measure', text.indexOf('*'))
    }
    if (error instanceof Error && error.message.startsWith('Merge sources')) {
      return broken('the value of "<<" must be a map, or an alias of one', text.indexOf('<<'))
    }
    throw error
  }
}

function sentenceOf(error: YAMLError, document: Document, placeOf: (offset: number) => Place): string {
  const { code, message } = error
  if (code === 'DUPLICATE_KEY') return duplicateSentence(document, error.pos[0], placeOf)
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here; a config file holds one'
  if (code === 'TAG_RESOLVE_FAILED') return 'tags such as "!name" have no meaning here'
  if (/call stack/.test(message)) return 'is nested too deeply'
  return `is not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
}

function duplicateSentence(document: Document, offset: number, placeOf: (offset: number) => Place): string {
  let sentence = 'a key stands twice in one map'
  visit(document, {
    Map(_, map) {
      const second = map.items.find(({ key }) => offsetOf(key) === offset)?.key
      if (!isScalar(second)) return undefined
      const first = map.items.find(({ key }) => isScalar(key) && key.value === second.value)?.key
      sentence = `the key "${String(second.value)}" stands twice in one map; first on line ${placeOf(offsetOf(first) ?? 0).line}`
      return visit.BREAK
    },
  })
  return sentence
}

/** The one key that checks of maps pass over without a word: what stands under it would count for nothing. */
function lostKey(document: Document) {
  let bad: { readonly message: string; readonly offset: number } | undefined
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key) || key.value !== '__proto__') return undefined
      bad = { message: 'no key may be called "__proto__"; choose another name', offset: offsetOf(key) ?? 0 }
      return visit.BREAK
    },
  })
  return bad
}

/**
 * Finds what each alias stands for, in one walk: the parser's own `resolve` walks the document for each.
 *
 * @returns an alias of nothing, or one that lies inside the value it names, which no plain value can express
 */
function resolveAliases(document: Document, targets: Map<Alias, Node>) {
  const anchors = new Map<string, Node>()
  let bad: { readonly message: string; readonly offset: number } | undefined
  visit(document, {
    Value(_, node) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node)
    },
    Alias(_, alias, ancestors) {
      const target = anchors.get(alias.source)
      if (target !== undefined && !ancestors.includes(target)) {
        targets.set(alias, target)
        return undefined
      }
      const message =
        target === undefined
          ? `the alias "*${alias.source}" refers to no anchor above it`
          : 'an alias may not refer to a value that holds it'
      bad = { message, offset: alias.range?.[0] ?? 0 }
      return visit.BREAK
    },
  })
  return bad
}

function locator(
  document: Document,
  placeOf: (offset: number) => Place,
  targets: ReadonlyMap<Alias, Node>,
): YamlFile['locate'] {
  return (path, on = 'value') => {
    let node: unknown = document.contents
    let at = offsetOf(node) ?? 0
    for (const [depth, step] of path.entries()) {
      const holder = isAlias(node) ? targets.get(node) : node
      const isLast = depth === path.length - 1
      if (isMap(holder)) {
        const pair = holder.items.find(
          (item) => isScalar(item.key) && String(item.key.value) === String(step),
        )
        if (pair === undefined) return placeOf(at)
        const keyOffset = offsetOf(pair.key) ?? at
        const isBlock = isCollection(pair.value) && pair.value.flow !== true
        node = pair.value
        at = isLast && (on === 'key' || isBlock) ? keyOffset : (offsetOf(pair.value) ?? keyOffset)
      } else if (isSeq(holder)) {
        const item: unknown = holder.items[Number(step)]
        if (item === undefined) return placeOf(at)
        node = isPair(item) ? item.value : item
        at = offsetOf(node) ?? at
      } else return placeOf(at)
    }
    return placeOf(at)
  }
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}
