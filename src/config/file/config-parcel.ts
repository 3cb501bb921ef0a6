/**
 * A configuration on its way from the thread that parsed it to the one that serves it.
 *
 * Each route is packed by itself. Those that the receiver holds already go by their number alone, and the others are
 * opened a few at a time, so that the receiver is never held up for long.
 *
 * @module
 */

import { deserialize, serialize } from 'node:v8'
import { each, type Work } from '../../turns.ts'
import type { Config, Route, Settings } from '../config.ts'
import { Secret } from '../values/secret.ts'

export interface Parcel {
  readonly generation: number
  readonly checksum: string
  readonly file: string
  readonly settings: Uint8Array
  /** By their numbers, in the order of the file. */
  readonly routes: readonly number[]
  /** The routes that the receiver lacks, end to end. */
  readonly bodies: Uint8Array<ArrayBuffer>
  /** Number, begin and end of each of them. */
  readonly index: readonly (readonly [number: number, begin: number, end: number])[]
}

/** Packs one configuration after another for one receiver. */
export class Packing {
  readonly #numbers = new WeakMap<Route, number>()
  #last = 0
  #held: ReadonlySet<number> = new Set()

  pack({ generation, checksum, file, settings, routes }: Config): Parcel {
    const numbers = routes.map((route) => this.#numberOf(route))
    const index: [number, number, number][] = []
    const parts: Uint8Array[] = []
    let end = 0
    for (const [at, number] of numbers.entries()) {
      if (this.#held.has(number)) continue
      const body = serialize(withoutSecrets(routes[at]))
      parts.push(body)
      index.push([number, end, (end += body.length)])
    }
    this.#held = new Set(numbers)
    const bodies = new Uint8Array(Buffer.concat(parts))
    return {
      generation,
      checksum,
      file,
      settings: serialize(withoutSecrets(settings)),
      routes: numbers,
      bodies,
      index,
    }
  }

  #numberOf(route: Route): number {
    let number = this.#numbers.get(route)
    if (number === undefined) this.#numbers.set(route, (number = this.#last += 1))
    return number
  }
}

/** Opens what one `Packing` packed, in the same order. */
export class Unpacking {
  *open({ generation, checksum, file, settings, routes, bodies, index }: Parcel): Work<Config> {
    const fresh = new Map<number, Route>()
    for (const [number, begin, end] of index) {
      const body: Route = deserialize(bodies.subarray(begin, end))
      restore(body)
      fresh.set(number, body)
      yield
    }
    const held = new Map<number, Route>()
    yield* each(routes, (number) => {
      const route = fresh.get(number) ?? this.#held.get(number)
      if (route === undefined) throw new Error(`route ${number} was never sent`)
      held.set(number, route)
    })
    this.#held = held
    const all = Object.freeze(routes.flatMap((number) => held.get(number) ?? []))
    const opened: Settings = deserialize(settings)
    restore(opened)
    return Object.freeze({
      generation,
      checksum,
      file,
      settings: opened,
      routes: all,
    })
  }

  #held: ReadonlyMap<number, Route> = new Map()
}

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
