/**
 * The state file of an earlier build, and what that build saw in it. `scripts/earlier-state.ts` has made it.
 *
 * @module
 */
import { join } from 'node:path'

const folder = import.meta.dirname

export const EARLIER = {
  /** The build that wrote it. */
  commit: 'c0be8a1',
  folder,
  database: join(folder, 'sallyport.db.gz'),
  contents: join(folder, 'contents.json'),
  /** Invented: nobody has such a `shared_secret`. */
  secret: Buffer.alloc(32, 0x5a),
  begunAt: Date.UTC(2026, 10, 25, 12),
  /** Name of the directory source that was pushed to. */
  directory: 'pushed',
} as const

export interface EarlierState {
  /** Epoch milliseconds, when all that was seen. */
  readonly at: number
  readonly sessions: readonly object[]
  /** Ids. */
  readonly signedOut: readonly string[]
  /** How long the first session had not been used. */
  readonly idleTime: number
  readonly accountToken: string
  readonly revokedToken: string
}
