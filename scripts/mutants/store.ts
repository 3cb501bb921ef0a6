import type { Mutant } from './mutant.ts'

const STORE = ['src/session/*.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/session/sqlite-store.ts',
    find: 'if (session === undefined || session.expiresAt > Math.max(now, this.#clock.latest)) return session',
    replace: 'return session',
    tests: STORE,
    breaks: 'a session that has expired is found until the next sweep',
  },
  {
    file: 'src/session/sqlite-store.ts',
    find: '|| this.#statements.findDeleted.get(session.id) !== undefined)',
    replace: ')',
    tests: STORE,
    breaks: 'a refresh that was under way brings back a session that has signed out',
  },
  {
    file: 'src/session/store-clock.ts',
    find: 'const setBack = stored.setBack + (isBack ? jump - undone : 0)',
    replace: 'const setBack = stored.setBack',
    tests: STORE,
    breaks: 'after the clock was set back every session lives longer by as much',
  },
  {
    file: 'src/session/store-clock.ts',
    find: 'const seenAt = Math.max(stored.seenAt, stored.setBack === this.#setBack ? this.#latest : 0)',
    replace: 'const seenAt = stored.seenAt',
    tests: STORE,
    breaks: 'a clock that is set back by less than a minute gives every session that much more',
  },
  {
    file: 'src/session/sqlite-store.ts',
    find: 'if (this.isClockInDoubt) return 0',
    replace: '',
    tests: STORE,
    breaks: 'a clock that runs ahead for a moment ends every session for good',
  },
  {
    file: 'src/session/sqlite-store.ts',
    find: "this.#statements.bury.run(id, integerOf(row, 'expires_at'), version)",
    replace: '',
    tests: STORE,
    breaks: 'a refresh that was under way brings a session back that has signed out',
  },
  {
    file: 'src/session/sqlite-store.ts',
    find: 'if (!isShifted) return',
    replace: 'return',
    tests: STORE,
    breaks: 'copies of sessions keep their old times after the clock was set back',
  },
  {
    file: 'src/session/sqlite-store.ts',
    find: 'if (changed.length === MOST_CHANGES || deleted.length === MOST_CHANGES) this.#forgetCopies()',
    replace: 'if (changed.length > 1e9) this.#forgetCopies()',
    tests: STORE,
    breaks: 'of thousands of sign-outs in another process some are never heard of here',
  },
  {
    file: 'src/authenticate/refresher.ts',
    find: 'if (current === undefined || current.version !== version) return',
    replace: '',
    tests: ['src/authenticate/refresh*.test.ts'],
    breaks: 'two replicas that refresh at once end the session of somebody who did nothing',
  },
  {
    file: 'src/extauthz/visitors.ts',
    find: 'for (const id of namesOf(visitor)) {\n      const keys = this.#keysOf.get(id)\n      if (keys === undefined)',
    replace:
      'for (const id of visitor.sessionIds.slice(1)) {\n      const keys = this.#keysOf.get(id)\n      if (keys === undefined)',
    tests: ['src/extauthz/visitors.test.ts'],
    breaks: 'answers made for a session outlive it in memory',
  },
  {
    file: 'src/session/sqlite-store.ts',
    find: 'if (this.#unwritten.has(id)) return undefined',
    replace: '',
    tests: ['src/session/sqlite-faults.test.ts'],
    breaks: 'whoever signs out while the disk is full stays signed in',
  },
  {
    file: 'src/session/sqlite-store.ts',
    find: 'if (this.#unwritten.has(session.id) || this.#statements.findDeleted.get(session.id) !== undefined)',
    replace: 'if (this.#statements.findDeleted.get(session.id) !== undefined)',
    tests: ['src/session/sqlite-faults.test.ts'],
    breaks: 'a refresh brings back a session that signed out while the disk was full',
  },
  {
    file: 'src/session/unwritten-sign-outs.ts',
    find: 'this.#journal?.keep(this.ids)',
    replace: '',
    tests: ['src/session/sqlite-faults.test.ts'],
    breaks: 'a restart signs in again who has signed out while the disk was full',
  },
  {
    file: 'src/session/sqlite-store.ts',
    find: 'quietly(() => this.#writeSignOuts())\n    this.#timer',
    replace: 'this.#timer',
    tests: ['src/session/sqlite-faults.test.ts'],
    breaks: 'the second restart after a full disk signs in again who has signed out',
  },
  {
    file: 'src/session/sign-out-journal.ts',
    find: "while (slots[slot] !== '' && slot < SLOTS) slot += 1",
    replace: '',
    tests: ['src/session/sqlite-faults.test.ts'],
    breaks: 'of two processes that share a full disk one signs in again whom the other has signed out',
  },
  {
    file: 'src/session/sqlite-store.ts',
    find: 'if (next.isUndone) {',
    replace: 'if (next.seenAt < 0) {',
    tests: ['src/session/sqlite-store.test.ts'],
    breaks: 'a session begun while the clock ran a year ahead lives for a year',
  },
]
