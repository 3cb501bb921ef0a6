import type { Mutant } from './mutant.ts'

const STORE = ['src/session/*.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/session/sqlite-store.ts',
    find: 'if (session === undefined || session.expiresAt > Math.max(now, this.#latest)) return session',
    replace: 'return session',
    tests: STORE,
    breaks: 'a session that has expired is found until the next sweep',
  },
  {
    file: 'src/session/sqlite-store.ts',
    find: 'if (this.#statements.findDeleted.get(session.id) !== undefined)',
    replace: 'if (session.id === "")',
    tests: STORE,
    breaks: 'a refresh that was under way brings back a session that has signed out',
  },
  {
    file: 'src/session/sqlite-store.ts',
    find: 'if (jump <= CLOCK_TOLERANCE_MS) return false',
    replace: 'if (jump !== Number.MAX_VALUE) return false',
    tests: STORE,
    breaks: 'after the clock was set back every session lives longer by as much',
  },
]
