/**
 * What is remembered of strangers and of sessions is bounded, and the right one is forgotten.
 *
 * @module
 */
import type { Mutant } from './mutant.ts'

const MAP = ['src/bounded-map.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/bounded-map.ts',
    find: 'if (this.size > this.#most) this.#forgetOldest()',
    replace: 'if (this.size < 0) this.#forgetOldest()',
    tests: MAP,
    breaks: 'Strangers fill the memory with names, hosts, tokens and certificates.',
  },
  {
    file: 'src/bounded-map.ts',
    find: 'this.delete(key)\n    super.set',
    replace: 'super.set',
    tests: MAP,
    breaks: 'Whoever sends bad tokens all the time is forgotten first, and begins anew.',
  },
  {
    file: 'src/bounded-map.ts',
    find: 'else this.#fromOldest = undefined',
    replace: '',
    tests: MAP,
    breaks: 'A flood that has filled a map once makes it keep all its former tables.',
  },
  {
    file: 'src/bounded-map.ts',
    find: 'while (this.size > 0 && isTooMuch())',
    replace: 'if (this.size > 0 && isTooMuch())',
    tests: MAP,
    breaks: 'What is bounded by bytes grows beyond them.',
  },
  {
    file: 'src/rate-limiter.ts',
    find: '(MOST_KEYS)',
    replace: '(Infinity)',
    tests: ['src/access/credentials/bearer/bad-token-limit.test.ts'],
    breaks: 'Bad tokens from many networks fill the memory.',
  },
  {
    file: 'src/access/credentials/bearer/token-cache.ts',
    find: '(MOST_REFUSED)',
    replace: '(Infinity)',
    tests: ['src/access/credentials/bearer/token-cache.test.ts'],
    breaks: 'Garbage in any number fills the memory.',
  },
  {
    file: 'src/access/credentials/bearer/token-cache.ts',
    find: '(MOST_ACCEPTED)',
    replace: '(Infinity)',
    tests: ['src/access/credentials/bearer/token-cache.test.ts'],
    breaks: 'A client that asks for a new token with each request fills the memory.',
  },
  {
    file: 'src/access/credentials/client-certificate/verifier.ts',
    find: "certificate.validity === 'valid' ? valid : invalid",
    replace: 'valid',
    tests: ['src/access/credentials/client-certificate/verifier.test.ts'],
    breaks: 'Certificates that anybody can make push out those that are good.',
  },
  {
    file: 'src/extauthz/visitors.ts',
    find: '(MOST_VISITORS,',
    replace: '(Infinity,',
    tests: ['src/extauthz/reuse.test.ts'],
    breaks: 'One session under ever new cookies fills the memory.',
  },
  {
    file: 'src/extauthz/visitors.ts',
    find: 'this.#byKey.forgetWhile(() => this.#answers > MOST_ANSWERS)',
    replace: '',
    tests: ['src/extauthz/reuse.test.ts'],
    breaks: 'Visitors of thousands of routes fill the memory with answers.',
  },
  {
    file: 'src/extauthz/visitors.ts',
    find: 'this.#byKey.delete(key)\n    this.#release(key, visitor)',
    replace: 'this.#byKey.delete(key)',
    tests: ['src/extauthz/visitors.test.ts'],
    breaks: 'An answer that was made for a session is kept for it after its end.',
  },
  {
    file: 'src/session/session-copies.ts',
    find: 'new BoundedMap(limit)',
    replace: 'new BoundedMap(Infinity)',
    tests: ['src/session/session-copies.test.ts'],
    breaks: 'All sessions of a large company are held in memory.',
  },
  {
    file: 'src/session/session-activity.ts',
    find: 'noted ?? this.#due.get(session.id)',
    replace: 'noted',
    tests: ['src/session/session-activity.test.ts'],
    breaks: 'Somebody at work is signed out as idle, when many others are.',
  },
  {
    file: 'src/session/session-activity.ts',
    find: 'this.#due.set(id, note)\n    leftToLater',
    replace: 'leftToLater',
    tests: ['src/session/session-activity.test.ts'],
    breaks: 'The last use of a session that is forgotten is never written.',
  },
  {
    file: 'src/upstream/assertions.ts',
    find: 'this.#bySession.forgetWhile(() => this.#count >= this.#most)',
    replace: '',
    tests: ['src/upstream/assertions.test.ts'],
    breaks:
      'Hosts below a wildcard, of which strangers may name any number, fill the memory with assertions.',
  },
  {
    file: 'src/edge/service-account-token.ts',
    find: '`service-account\\0${id}`',
    replace: '`account\\0${id}`',
    tests: ['test/earlier-state.test.ts'],
    breaks: 'A new build refuses the tokens of all service accounts.',
  },
  {
    file: 'src/directory/scim/records.ts',
    find: "export const REMOVED = 'scim-removed'",
    replace: "export const REMOVED = 'scim-gone'",
    tests: ['test/earlier-state.test.ts'],
    breaks: 'A new build lets in whom a directory has removed.',
  },
  {
    file: 'src/session/sqlite/sqlite-database.ts',
    find: 'DELETE FROM activity WHERE session_id NOT IN (SELECT id FROM session);',
    replace: 'DELETE FROM activity;',
    tests: ['test/earlier-state.test.ts'],
    breaks: 'A new build forgets how long sessions were not used, or were.',
  },
]
