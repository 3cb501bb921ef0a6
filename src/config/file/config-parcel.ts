/**
 * A configuration on its way from the thread that parsed it to the one that serves it.
 *
 * Each route is packed by itself. Those that the receiver holds already go by their number alone, and the
 * others are opened a few at a time, so that the receiver is never held up for long.
 *
 * @module
 */

import { hash } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import type { Work } from '../../turns.ts'
import type { Config, Route, Settings } from '../config.ts'
import { firstOf, movedTo } from '../routing/moved-route.ts'
import { Secret } from '../values/secret.ts'

export interface Parcel {
  readonly generation: number
  readonly checksum: string
  readonly file: string
  readonly settings: Uint8Array<ArrayBuffer>
  /** Number, line and column of each route, in the order of the file. */
  readonly routes: Uint32Array<ArrayBuffer>
  /** The routes that the receiver lacks, some at a time: each box is let go of when it has been opened. */
  readonly boxes: readonly Box[]
}

interface Box {
  /** Number and end of each route in it. */
  readonly index: Uint32Array<ArrayBuffer>
  /** End to end. */
  readonly bodies: Uint8Array<ArrayBuffer>
}

/** What is moved to the other thread and not copied: copying would take its time on both sides. */
export const movedWith = ({ settings, routes, boxes }: Parcel): readonly ArrayBuffer[] => [
  settings.buffer,
  routes.buffer,
  ...boxes.flatMap(({ index, bodies }) => [index.buffer, bodies.buffer]),
]

const PER_ROUTE = 3
const PER_BODY = 2
const BOX_BYTES = 256 * 1024

/** Packs one configuration after another for one receiver. */
export class Packing {
  /** By the route as it stood first: where it stands now goes separately. */
  readonly #numbers = new WeakMap<Route, number>()
  #last = 0
  #held: ReadonlySet<number> = new Set()

  pack({ generation, checksum, file, settings, routes }: Config): Parcel {
    const boxes: Box[] = []
    const held = new Set<number>()
    let parts: Buffer[] = []
    let index: number[] = []
    let end = 0
    const close = () => {
      if (end > 0) boxes.push({ index: Uint32Array.from(index), bodies: alone(Buffer.concat(parts)) })
      parts = []
      index = []
      end = 0
    }
    const listed = routes.flatMap((route) => {
      const number = this.#numberOf(route)
      if (!this.#held.has(number) && !held.has(number)) {
        const body = serialize(withoutSecrets(route))
        parts.push(body)
        index.push(number, (end += body.length))
        if (end >= BOX_BYTES) close()
      }
      held.add(number)
      return [number, route.position.line, route.position.column]
    })
    close()
    this.#held = held
    return {
      generation,
      checksum,
      file,
      settings: alone(serialize(withoutSecrets(settings))),
      routes: Uint32Array.from(listed),
      boxes,
    }
  }

  #numberOf(route: Route): number {
    const first = firstOf(route)
    let number = this.#numbers.get(first)
    if (number === undefined) this.#numbers.set(first, (number = this.#last += 1))
    return number
  }
}

/** In memory of its own: a small buffer is a part of a larger one, which can't be given away. */
const alone = (bytes: Buffer): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

/** Opens what one `Packing` packed, in the same order. */
export class Unpacking {
  *open({ generation, checksum, file, settings, routes, boxes }: Parcel): Work<Config> {
    const fresh = new Map<number, Route>()
    const closed = boxes.toReversed()
    for (let box = closed.pop(); box !== undefined; box = closed.pop()) {
      let begin = 0
      for (let at = 0; at < box.index.length; at += PER_BODY) {
        const [number = 0, end = 0] = box.index.subarray(at, at + PER_BODY)
        const body: Route = deserialize(box.bodies.subarray(begin, end))
        restore(body)
        fresh.set(number, body)
        begin = end
        yield
      }
    }
    const held = new Map<number, Route>()
    const all: Route[] = []
    for (let at = 0; at < routes.length; at += PER_ROUTE) {
      const [number = 0, line = 0, column = 0] = routes.subarray(at, at + PER_ROUTE)
      const known = fresh.get(number) ?? this.#held.get(number)
      if (known === undefined) throw new Error(`route ${number} was never sent`)
      const route = movedTo(known, { file, line, column })
      held.set(number, route)
      all.push(route)
      if (all.length % ROUTES_PER_PAUSE === 0) yield
    }
    this.#held = held
    return Object.freeze({
      generation,
      checksum,
      file,
      settings: this.#settingsOf(settings),
      routes: Object.freeze(all),
    })
  }

  #held: ReadonlyMap<number, Route> = new Map()
  #settings: { readonly digest: string; readonly opened: Settings } | undefined

  /** The same object while they say the same: what was made of them stays as it is. */
  #settingsOf(bytes: Uint8Array<ArrayBuffer>): Settings {
    const digest = hash('sha256', bytes)
    if (this.#settings?.digest === digest) return this.#settings.opened
    const opened: Settings = deserialize(bytes)
    restore(opened)
    this.#settings = { digest, opened }
    return opened
  }
}

const ROUTES_PER_PAUSE = 100

/** Stands for a secret on the way: a key that no configuration can have, since YAML keys hold no NUL. */
const SECRET = '\0secret'

/** A copy in which secrets are plain, for the way to the other thread only. */
function withoutSecrets(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Secret) return { [SECRET]: value.reveal() }
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (Object.getPrototypeOf(value) !== Object.prototype)
    throw new Error(`a configuration can't hold a ${value.constructor.name}`)
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, withoutSecrets(held)]))
}

/** Puts the secrets back below a value, and freezes it throughout. */
function restore(value: object): void {
  for (const [key, held] of Object.entries(value)) {
    if (typeof held !== 'object' || held === null) continue
    if (Object.hasOwn(held, SECRET)) Reflect.set(value, key, Object.freeze(Secret.of(String(held[SECRET]))))
    else restore(held)
  }
  Object.freeze(value)
}
