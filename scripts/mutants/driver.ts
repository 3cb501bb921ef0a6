import type { Mutant } from './mutant.ts'

const MEMORY = ['src/session/memory/memory-driver.test.ts']
const SQLITE = ['src/session/sqlite/sqlite-store.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/session/session-copies.ts',
    find: 'if (session !== undefined && !expected.isOutdated) this.#put(session)',
    replace: 'if (session !== undefined) this.#put(session)',
    tests: MEMORY,
    breaks: 'whoever signs out while their session is being read stays signed in, by a copy',
  },
  {
    file: 'src/session/sqlite/sqlite-sessions.ts',
    find: "if (ifVersion !== undefined && find.get(row.id)?.['version'] !== ifVersion) return undefined",
    replace: '',
    tests: SQLITE,
    breaks: 'what another process has saved meanwhile is written over by what was known before',
  },
  {
    file: 'src/session/sqlite/sqlite-activity.ts',
    find: 'WHERE excluded.issued_at >= issued_at',
    replace: 'WHERE true',
    tests: SQLITE,
    breaks: 'the use of a session before it was renewed counts for the renewed one',
  },
  {
    file: 'src/session/sqlite/sqlite-driver.ts',
    find: 'SET seen_at = ?, set_back = ? WHERE seen_at = ? AND set_back = ?',
    replace: 'SET seen_at = ?, set_back = ? WHERE ? + ? >= 0',
    tests: SQLITE,
    breaks:
      'of two processes that notice a clock set back one undoes the note of the other, and sessions live longer',
  },
  {
    file: 'src/session/store-changes.ts',
    find: 'if (pulse === this.#pulse) return',
    replace: 'return',
    tests: MEMORY,
    breaks: 'a sign-out in another process is never heard of here',
  },
  {
    file: 'src/session/session-ends.ts',
    find: 'if (!(fault instanceof Fault) || !unwritten.hold(ids)) throw fault',
    replace: 'throw fault',
    tests: MEMORY,
    breaks: 'a store that can not be written keeps everybody signed in',
  },
  {
    file: 'src/session/sqlite/sqlite-driver.ts',
    find: 'UPDATE store SET canary = ? WHERE canary = ?',
    replace: 'UPDATE store SET canary = ? WHERE canary = ? OR true',
    tests: SQLITE,
    breaks: 'of two processes that start together the later one drops the sessions of the other',
  },
]
