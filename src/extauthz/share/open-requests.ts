/**
 * How many requests each client has open at each app, so that nobody takes all places of an app for
 * themselves.
 *
 * The number is never too low. Requests of the last seconds count as open, ended or not, until they are a
 * quarter of a client's share: most clients never have more, and their requests cost no report. Ends of
 * further ones are reported by Envoy at once. Whatever is open for longer is reported again and again, and is
 * forgotten when the reports stop. So a lost report, or a restart of either side, wears off by itself.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { REPORT_EVERY_MS, REPORTS_WAIT_MS, STILL_OPEN, TOLD_AT_ONCE } from '../../edge/open-requests.ts'

/** A request that is open for as long has been reported at least once. */
const WINDOW_SECONDS = REPORT_EVERY_MS / 1000 + 2

/** Where a client may have fewer, each is counted exactly. */
const SMALLEST_ESTIMATED = 128

/** Two reports may be lost, or late. */
const FORGOTTEN_AFTER_MS = 2 * REPORT_EVERY_MS + 2000

/** Beyond so many clients at a time, further ones of a route count as one. */
const MOST_CLIENTS = 100_000
/**
 * So many clients are there at most when their list is exchanged: none of them has anything open afterwards.
 */
const MOST_FORGOTTEN_AT_ONCE = 10_000
/** Looking at the first of a long list costs more than all else here. */
const BETWEEN_LOOKS_MS = 250

/** Longer than a report takes. */
const WAIT_MS = 3 * REPORTS_WAIT_MS
/** Who comes in such numbers is refused without it. */
const MOST_WAITING = 1000

/** One client at one app. */
class Account {
  readonly key: string
  /** Those that Envoy reports, or whose end it will report. */
  reported = 0
  /** Requests that nothing is reported of, by the second in which they came. */
  readonly #bySecond: number[] = Array.from({ length: WINDOW_SECONDS }, () => 0)
  #unreported = 0
  #newest = 0

  constructor(key: string) {
    this.key = key
  }

  unreportedAt(second: number): number {
    if (this.#newest < second) {
      const first = Math.max(this.#newest + 1, second - WINDOW_SECONDS + 1)
      for (let each = first; each <= second; each++) this.#set(each, 0)
      this.#newest = second
    }
    return this.#unreported
  }

  add(second: number): void {
    this.#set(second, this.#at(second) + 1)
  }

  /** Of a request that is reported from now on, or that did not get as far as the app. */
  remove(second: number, now: number): void {
    this.unreportedAt(now)
    if (second <= now - WINDOW_SECONDS || second > now) return
    this.#set(second, Math.max(0, this.#at(second) - 1))
  }

  #at(second: number): number {
    return this.#bySecond[second % WINDOW_SECONDS] ?? 0
  }

  #set(second: number, count: number): void {
    this.#unreported += count - this.#at(second)
    this.#bySecond[second % WINDOW_SECONDS] = count
  }
}

interface Reported {
  readonly account: Account
  readonly forgottenAt: number
}

/** A request that was let pass. */
export interface Admission {
  /** What Envoy is told with the answer, and repeats in its reports. */
  readonly mark: string
  /** Whether its end is to be reported, however soon that is. */
  readonly isReported: boolean
}

export interface OpenRequestsOptions {
  /** Milliseconds of a clock that is never set. */
  readonly now: () => number
  readonly mostClients?: number
}

export class OpenRequests {
  readonly #now: () => number
  readonly #mostClients: number
  /** Tells marks of this process from those of one before. */
  readonly #run = randomBytes(4).toString('hex')
  #count = 0
  #waiting = 0
  /** Clients that were heard of since the last exchange, and before. */
  #accounts = new Map<string, Account>()
  #olderAccounts = new Map<string, Account>()
  #exchangedAt: number
  #nextLook = 0
  /** In the order in which they will be forgotten. */
  readonly #reported = new Map<string, Reported>()

  constructor({ now, mostClients = MOST_CLIENTS }: OpenRequestsOptions) {
    this.#now = now
    this.#mostClients = mostClients
    this.#exchangedAt = now()
  }

  /**
   * Counts one more request of a client, if that leaves it within its share.
   *
   * @param app stands for itself and for those clients of it that are too many to be told apart; has no slash
   */
  admit(app: string, client: string, share: number): Admission | undefined {
    const now = this.#now()
    this.#forget(now)
    const account = this.#account(app, client)
    const second = Math.floor(now / 1000)
    const unreported = account.unreportedAt(second)
    if (account.reported + unreported >= share) return undefined
    const mark = `${this.#run}.${second}.${this.#count++}/${account.key}`
    if (share >= SMALLEST_ESTIMATED && unreported < share / 4) {
      account.add(second)
      return { mark, isReported: false }
    }
    this.#report(mark, account, now)
    return { mark, isReported: true }
  }

  /** Undefined where too many wait already. */
  waitForReports(): Promise<void> | undefined {
    if (this.#waiting >= MOST_WAITING) return undefined
    this.#waiting++
    return pause(WAIT_MS).finally(() => this.#waiting--)
  }

  /** Takes an admission back: the request does not get as far as the app. */
  withdraw({ mark }: Admission): void {
    if (!this.#end(mark)) this.#leaveWindow(mark, this.#account(...ownerOf(mark)))
  }

  /** Takes in what Envoy reports of one request: in a word what has happened, a blank, and the mark. */
  report(text: string): void {
    const from = text.indexOf(' ') + 1
    const mark = text.startsWith(TOLD_AT_ONCE, from) ? text.slice(from + 1) : text.slice(from)
    if (!text.startsWith(STILL_OPEN)) {
      this.#end(mark)
      return
    }
    const now = this.#now()
    this.#forget(now)
    const account = this.#account(...ownerOf(mark))
    if (!this.#end(mark)) this.#leaveWindow(mark, account)
    this.#report(mark, account, now)
  }

  /** How many are known of, for tests and metrics. */
  get size(): { readonly clients: number; readonly reported: number } {
    return { clients: this.#accounts.size + this.#olderAccounts.size, reported: this.#reported.size }
  }

  #report(mark: string, account: Account, now: number): void {
    account.reported++
    this.#reported.set(mark, { account, forgottenAt: now + FORGOTTEN_AFTER_MS })
  }

  #end(mark: string): boolean {
    const known = this.#reported.get(mark)
    if (known === undefined) return false
    known.account.reported--
    return this.#reported.delete(mark)
  }

  #leaveWindow(mark: string, account: Account): void {
    const [run, second] = mark.split('.', 2)
    if (run === this.#run) account.remove(Number(second), Math.floor(this.#now() / 1000))
  }

  #account(app: string, client: string): Account {
    const key = `${app}/${client}`
    const known = this.#accounts.get(key)
    if (known !== undefined) return known
    const older = this.#olderAccounts.get(key)
    if (older === undefined && this.#accounts.size >= this.#mostClients && client !== '')
      return this.#account(app, '')
    const account = older ?? new Account(key)
    this.#accounts.set(key, account)
    this.#olderAccounts.delete(key)
    return account
  }

  /**
   * What has not been reported for long, and clients of whom nothing was heard for as long: all they had is
   * forgotten.
   */
  #forget(now: number): void {
    if (now < this.#nextLook) return
    this.#nextLook = now + BETWEEN_LOOKS_MS
    let most = MOST_FORGOTTEN_AT_ONCE
    for (const [mark, { forgottenAt }] of this.#reported) {
      if (forgottenAt > now || most-- === 0) break
      this.#end(mark)
    }
    if (now - this.#exchangedAt < FORGOTTEN_AFTER_MS) return
    this.#exchangedAt = now
    this.#olderAccounts = this.#accounts
    this.#accounts = new Map()
  }
}

/** Of a mark without its first character: `run.second.count/app/client`; a client may have slashes in it. */
function ownerOf(mark: string): [app: string, client: string] {
  const app = mark.indexOf('/') + 1
  const client = mark.indexOf('/', app) + 1
  return [mark.slice(app, client - 1), mark.slice(client)]
}
