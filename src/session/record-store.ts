/**
 * Records over a driver: values as JSON, and whoever listens hears of each change.
 *
 * @module
 */
import type { RecordRow, RecordRows } from './driver.ts'
import type { RecordStore, StoredRecord } from './records.ts'
import { whenAnswered } from './steps.ts'
import type { MaybePromise } from './store.ts'

export interface DrivenRecordsOptions {
  readonly rows: RecordRows
  readonly now: () => number
  /** Called with the version of each change that was made here. */
  readonly onOwnChange: (version: number) => void
  /** Looks for what other processes have changed, if it is time to. */
  readonly look: () => MaybePromise<unknown>
}

export class DrivenRecords implements RecordStore {
  readonly #options: DrivenRecordsOptions
  readonly #listeners = new Set<(collection: string, id: string) => void>()

  constructor(options: DrivenRecordsOptions) {
    this.#options = options
  }

  get(collection: string, id: string): MaybePromise<StoredRecord | undefined> {
    const { look, rows } = this.#options
    return whenAnswered(look(), () =>
      whenAnswered(rows.find(collection, id), (row) => (row === undefined ? undefined : recordOf(row))),
    )
  }

  list(collection: string): MaybePromise<readonly StoredRecord[]> {
    const { look, rows } = this.#options
    return whenAnswered(look(), () =>
      whenAnswered(rows.list(collection), (found) => found.map((row) => recordOf(row))),
    )
  }

  page(
    collection: string,
    after: string,
    before: string,
    limit: number,
  ): MaybePromise<readonly StoredRecord[]> {
    const { look, rows } = this.#options
    return whenAnswered(look(), () =>
      whenAnswered(rows.page(collection, after, before, limit), (found) => found.map((row) => recordOf(row))),
    )
  }

  put(collection: string, id: string, value: unknown): MaybePromise<StoredRecord> {
    const { now, rows } = this.#options
    const text = JSON.stringify(value)
    const changedAt = now()
    return whenAnswered(rows.put({ collection, id, value: text, changedAt }), (version) => {
      this.#changed(collection, id, version)
      return { collection, id, value, version, changedAt }
    })
  }

  delete(collection: string, id: string): MaybePromise<boolean> {
    const { now, rows } = this.#options
    return whenAnswered(rows.delete(collection, id, now()), (version) => {
      if (version === undefined) return false
      this.#changed(collection, id, version)
      return true
    })
  }

  onChange(listener: (collection: string, id: string) => void): Disposable {
    const entry = (collection: string, id: string) => listener(collection, id)
    this.#listeners.add(entry)
    return { [Symbol.dispose]: () => void this.#listeners.delete(entry) }
  }

  announce(collection: string, id: string): void {
    for (const listener of this.#listeners) listener(collection, id)
  }

  clear(): void {
    this.#listeners.clear()
  }

  #changed(collection: string, id: string, version: number): void {
    this.#options.onOwnChange(version)
    this.announce(collection, id)
  }
}

function recordOf({ collection, id, value, version, changedAt }: RecordRow): StoredRecord {
  const parsed: unknown = JSON.parse(value)
  return { collection, id, value: parsed, version, changedAt }
}
