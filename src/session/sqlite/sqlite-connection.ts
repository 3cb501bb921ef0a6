/**
 * One connection to the SQLite file, whose database can be exchanged under the statements that use it.
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { reasonOf, systemCodeOf } from '../../errors.ts'
import type { Row } from './sqlite-row.ts'

/** A statement that outlives the database it was first prepared for. */
export interface Statement {
  get(...parameters: readonly SQLInputValue[]): Row | undefined
  all(...parameters: readonly SQLInputValue[]): Row[]
  /** How many rows it changed. */
  run(...parameters: readonly SQLInputValue[]): number
  runNamed(parameters: Readonly<Record<string, SQLInputValue>>): number
}

/** SQLite's primary result codes for a file whose contents are broken. */
const BROKEN = new Set([11, 26])

export interface SqliteFailure {
  readonly reason: string
  /** No later success means that all is well again. */
  readonly isBroken: boolean
}

export class SqliteConnection {
  #database: DatabaseSync
  #failure: SqliteFailure | undefined
  #prepared = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Of now; another after `exchange`. */
  get database(): DatabaseSync {
    return this.#database
  }

  /** @throws {Error} for SQL that this schema does not know */
  prepare(sql: string): Statement {
    this.#statement(sql)
    return {
      get: (...parameters) => this.#noting(() => this.#statement(sql).get(...parameters)),
      all: (...parameters) => this.#noting(() => this.#statement(sql).all(...parameters)),
      run: (...parameters) => this.#noting(() => Number(this.#statement(sql).run(...parameters).changes)),
      runNamed: (parameters) => this.#noting(() => Number(this.#statement(sql).run(parameters).changes)),
    }
  }

  exec(sql: string): void {
    this.#noting(() => this.#database.exec(sql))
  }

  /** What went wrong last; unset after `forgive`. */
  get failure(): SqliteFailure | undefined {
    return this.#failure
  }

  /** After something has succeeded that would have failed. */
  forgive(): void {
    if (this.#failure?.isBroken !== true) this.#failure = undefined
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction
  }

  get isOpen(): boolean {
    return this.#database.isOpen
  }

  /** From now on all statements ask this one; the old one is closed. */
  exchange(database: DatabaseSync): void {
    const old = this.#database
    this.#database = database
    this.#prepared = new Map()
    this.#failure = undefined
    old.close()
  }

  close(): void {
    this.#database.close()
  }

  #noting<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      if (systemCodeOf(error) === 'ERR_SQLITE_ERROR')
        this.#failure = { reason: reasonOf(error), isBroken: BROKEN.has(resultCodeOf(error)) }
      throw error
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const prepared = this.#database.prepare(sql)
    this.#prepared.set(sql, prepared)
    return prepared
  }
}

/** The primary result code: the lower eight bits of the extended one. */
function resultCodeOf(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : 0
}
