import type { RecordStore, StoredRecord } from '../../session/records.ts'

/** Records in a map; late as those of a store over the network, when a test says so. */
export class MapRecords implements RecordStore {
  readonly #records = new Map<string, StoredRecord>()
  readonly #listeners = new Set<(collection: string, id: string) => void>()
  #version = 0
  isLate = false

  #answer<T>(value: T): T | Promise<T> {
    return this.isLate ? Promise.resolve(value) : value
  }

  /** Whatever the collection. */
  get all(): readonly StoredRecord[] {
    return [...this.#records.values()]
  }

  get(collection: string, id: string) {
    return this.#answer(this.#records.get(`${collection} ${id}`))
  }

  list(collection: string) {
    return this.page(collection, '', '~', Number.POSITIVE_INFINITY)
  }

  page(collection: string, after: string, before: string, limit: number) {
    const found = [...this.#records]
      .filter(([key]) => key.startsWith(`${collection} `))
      .map(([, one]) => one)
      .filter(({ id }) => id > after && id < before)
    return this.#answer(found.toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit))
  }

  put(collection: string, id: string, value: unknown) {
    const record = {
      collection,
      id,
      value: structuredClone(value),
      version: (this.#version += 1),
      changedAt: this.#version * 1000,
    }
    this.#records.set(`${collection} ${id}`, record)
    for (const listener of this.#listeners) listener(collection, id)
    return this.#answer(record)
  }

  delete(collection: string, id: string) {
    const isDeleted = this.#records.delete(`${collection} ${id}`)
    for (const listener of this.#listeners) listener(collection, id)
    return this.#answer(isDeleted)
  }

  onChange(listener: (collection: string, id: string) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) }
  }
}
