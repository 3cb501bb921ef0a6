/**
 * A map of so many entries at most: the one that was set longest ago is forgotten first.
 *
 * For all that is remembered of strangers, who may come in any number. Reading an entry does not make it
 * younger; setting it again does.
 *
 * @module
 */

export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #most: number
  readonly #onForgotten: ((key: Key, value: Value) => void) | undefined
  /**
   * Stands before the oldest entry while entries are forgotten one after the other. From the front, the gaps
   * that others have left would be passed each time. It keeps former tables in memory, so it is dropped soon.
   */
  #fromOldest: MapIterator<[Key, Value]> | undefined

  /** @param onForgotten called after an entry went for want of room, and not when it was deleted */
  constructor(most: number, onForgotten?: (key: Key, value: Value) => void) {
    super()
    this.#most = most
    this.#onForgotten = onForgotten
  }

  override set(key: Key, value: Value): this {
    this.delete(key)
    super.set(key, value)
    if (this.size > this.#most) this.#forgetOldest()
    else this.#fromOldest = undefined
    return this
  }

  /** For bounds that are not of number: forgets one after the other, until it is not too much any more. */
  forgetWhile(isTooMuch: () => boolean): void {
    while (this.size > 0 && isTooMuch()) this.#forgetOldest()
  }

  #forgetOldest(): void {
    this.#fromOldest ??= this.entries()
    const { value: oldest } = this.#fromOldest.next()
    if (oldest === undefined) return
    this.delete(oldest[0])
    this.#onForgotten?.(...oldest)
  }
}
