/**
 * One connection to the SQLite file, whose database can be exchanged under the statements that use it.
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Row } from './sqlite-record.ts'

/** A statement that outlives the database it was first prepared for. */
export interface Statement {
  get(...parameters: readonly SQLInputValue[]): Row | undefined
  all(...parameters: readonly SQLInputValue[]): Row[]
  /** How many rows it changed. */
  run(...parameters: readonly SQLInputValue[]): number
  runNamed(parameters: Readonly<Record<string, SQLInputValue>>): number
}

export class SqliteConnection {
  #database: DatabaseSync
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
      get: (...parameters) => this.#statement(sql).get(...parameters),
      all: (...parameters) => this.#statement(sql).all(...parameters),
      run: (...parameters) => Number(this.#statement(sql).run(...parameters).changes),
      runNamed: (parameters) => Number(this.#statement(sql).run(parameters).changes),
    }
  }

  exec(sql: string): void {
    this.#database.exec(sql)
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
    old.close()
  }

  close(): void {
    this.#database.close()
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const prepared = this.#database.prepare(sql)
    this.#prepared.set(sql, prepared)
    return prepared
  }
}
