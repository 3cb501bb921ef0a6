/**
 * JSON that a client sends, read a piece at a time: a group of everybody is megabytes. Pure.
 *
 * Bounded in depth, and in names and values, so that what is done with it is bounded too.
 *
 * @module
 */
import type { Work } from '../../turns.ts'
import { ScimRefusal } from './refusal.ts'

const DEEPEST = 32
const MOST_NAMES = 1000
const MOST_ITEMS = 200_000
const PAUSE_AFTER = 500

interface Open {
  readonly end: '}' | ']'
  readonly items: unknown[]
  readonly members: Map<string, unknown>
  name: string
}

/** What `JSON.parse` makes of it. @throws {ScimRefusal} invalidSyntax */
export function* readJson(text: string): Work<unknown> {
  const cursor = new Cursor(text)
  const open: Open[] = []
  for (let count = 1; ; count += 1) {
    if (count % PAUSE_AFTER === 0) yield
    const begun = begin(cursor)
    if (begun !== undefined) {
      if (open.length >= DEEPEST) throw notReadable('is nested too deeply')
      open.push(begun)
      if (cursor.takeIf(begun.end)) open.pop()
      else {
        if (begun.end === '}') begun.name = cursor.name()
        continue
      }
    }
    let value = begun === undefined ? cursor.scalar() : valueOf(begun)
    for (;;) {
      const around = open.at(-1)
      if (around === undefined) {
        cursor.finish()
        return value
      }
      put(around, value)
      if (cursor.takeIf(',')) {
        if (around.end === '}') around.name = cursor.name()
        break
      }
      if (!cursor.takeIf(around.end)) throw notReadable('is not JSON')
      value = valueOf(around)
      open.pop()
    }
  }
}

function begin(cursor: Cursor): Open | undefined {
  const end = cursor.takeIf('{') ? '}' : cursor.takeIf('[') ? ']' : undefined
  return end && { end, items: [], members: new Map(), name: '' }
}

function put({ end, items, members, name }: Open, value: unknown): void {
  if (end === ']') items.push(value)
  else members.set(name, value)
  if (items.length > MOST_ITEMS) throw notReadable(`holds a list of more than ${MOST_ITEMS} values`)
  if (members.size > MOST_NAMES) throw notReadable(`holds an object of more than ${MOST_NAMES} names`)
}

const valueOf = ({ end, items, members }: Open): unknown =>
  end === ']' ? items : Object.fromEntries(members)

class Cursor {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  takeIf(mark: string): boolean {
    this.#skipBlanks()
    if (this.#text[this.#at] !== mark) return false
    this.#at += 1
    return true
  }

  name(): string {
    this.#skipBlanks()
    if (this.#text[this.#at] !== '"') throw notReadable('is not JSON')
    const name = this.#string()
    if (!this.takeIf(':')) throw notReadable('is not JSON')
    return name
  }

  scalar(): unknown {
    this.#skipBlanks()
    if (this.#text[this.#at] === '"') return this.#string()
    WORD.lastIndex = this.#at
    const word = WORD.exec(this.#text)?.[0] ?? ''
    this.#at += word.length
    return parsed(word)
  }

  finish(): void {
    this.#skipBlanks()
    if (this.#at < this.#text.length) throw notReadable('is not JSON')
  }

  /** The next quote ends it that has an even number of backslashes before it. */
  #string(): string {
    let end = this.#at
    let slashes: number
    do {
      end = this.#text.indexOf('"', end + 1)
      if (end < 0) throw notReadable('is not JSON')
      slashes = 0
      while (this.#text[end - 1 - slashes] === '\\') slashes += 1
    } while (slashes % 2 === 1)
    const text = parsed(this.#text.slice(this.#at, end + 1))
    this.#at = end + 1
    return String(text)
  }

  #skipBlanks(): void {
    BLANKS.lastIndex = this.#at
    BLANKS.test(this.#text)
    this.#at = BLANKS.lastIndex
  }
}

const BLANKS = /[ \t\n\r]*/y
const WORD = /[-+.\w]{1,400}/y

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw notReadable('is not JSON')
  }
}

const notReadable = (why: string) => new ScimRefusal(400, `the body ${why}`, 'invalidSyntax')
