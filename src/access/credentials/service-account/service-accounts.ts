/**
 * The service accounts of this installation: found by id on every request, made and revoked by operators.
 *
 * @module
 */
import type { RecordStore, StoredRecord } from '../../../session/records.ts'
import type { MaybePromise } from '../../../session/store.ts'
import {
  SERVICE_ACCOUNTS,
  type ServiceAccount,
  type ServiceAccountValue,
  serviceAccountOf,
} from './service-account.ts'

/** When each was last used: apart from the accounts, so that noting it neither changes nor revives one. */
const USES = 'service-account-use'
/** Between two notes of the use of one account. */
const NOTE_INTERVAL_MS = 600_000

export interface ListedAccount {
  readonly account: ServiceAccount
  /** Epoch milliseconds, to ten minutes; `undefined` when it never was. */
  readonly lastUsedAt: number | undefined
}

export class ServiceAccounts implements Disposable {
  readonly #records: RecordStore
  readonly #copies = new Map<string, ServiceAccount>()
  readonly #notedAt = new Map<string, number>()
  readonly #following: Disposable
  /** Tells a reader that came back late that what it read may be of yesterday. */
  #changes = 0

  constructor(records: RecordStore) {
    this.#records = records
    this.#following = this.onChange((id) => {
      this.#changes++
      this.#copies.delete(id)
      this.#notedAt.delete(id)
    })
  }

  /** From memory once it was asked for. @throws {Fault} STORE_UNAVAILABLE */
  find(id: string): MaybePromise<ServiceAccount | undefined> {
    const known = this.#copies.get(id)
    if (known !== undefined) return known
    const before = this.#changes
    const record = this.#records.get(SERVICE_ACCOUNTS, id)
    return record instanceof Promise
      ? record.then((late) => this.#keep(late, before))
      : this.#keep(record, before)
  }

  /** Notes that it was used, now and then. A use that can't be noted is no reason to refuse it. */
  noteUse(id: string, now: number): void {
    const notedAt = this.#notedAt.get(id)
    if (notedAt !== undefined && Math.abs(now - notedAt) < NOTE_INTERVAL_MS) return
    this.#notedAt.set(id, now)
    Promise.try(() => this.#records.put(USES, id, { at: now })).catch(() => undefined)
  }

  /** By name. Expired ones are there until they are revoked. */
  async list(): Promise<readonly ListedAccount[]> {
    const uses = new Map((await this.#records.list(USES)).map(({ id, value }) => [id, timeOf(value)]))
    const accounts = (await this.#records.list(SERVICE_ACCOUNTS)).map(serviceAccountOf)
    return accounts
      .filter((account) => account !== undefined)
      .map((account) => ({ account, lastUsedAt: uses.get(account.id) }))
      .toSorted((a, b) => a.account.name.localeCompare(b.account.name))
  }

  async save(id: string, value: ServiceAccountValue): Promise<ServiceAccount | undefined> {
    return serviceAccountOf(await this.#records.put(SERVICE_ACCOUNTS, id, value))
  }

  /** From then on its token is refused: here at once, in other processes within a second. */
  async revoke(id: string): Promise<boolean> {
    const isGone = await this.#records.delete(SERVICE_ACCOUNTS, id)
    await this.#records.delete(USES, id)
    return isGone
  }

  /** Called with the id of an account that was made, changed or revoked; the listener must not throw. */
  onChange(listener: (id: string) => void): Disposable {
    return this.#records.onChange((collection, id) => {
      if (collection === SERVICE_ACCOUNTS) listener(id)
    })
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]()
    this.#copies.clear()
  }

  #keep(record: StoredRecord | undefined, asOf: number): ServiceAccount | undefined {
    const account = record === undefined ? undefined : serviceAccountOf(record)
    if (account !== undefined && asOf === this.#changes) this.#copies.set(account.id, account)
    return account
  }
}

function timeOf(value: unknown): number | undefined {
  const isNote = typeof value === 'object' && value !== null && 'at' in value
  return isNote && typeof value.at === 'number' ? value.at : undefined
}
