import type { Mutant } from './mutant.ts'

const SUPERVISOR = ['src/supervise/supervisor.test.ts']
const JUDGE = ['src/supervise/judge.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/supervise/supervisor.ts',
    find: 'this.#judgeSoon(this.#options.streams.of(holder))',
    replace: '',
    tests: SUPERVISOR,
    breaks: 'a WebSocket outlives the sign-out of whoever opened it',
  },
  {
    file: 'src/supervise/supervisor.ts',
    find: 'this.#judgeSoon(this.#options.streams.all())',
    replace: '',
    tests: SUPERVISOR,
    breaks: 'a WebSocket outlives the edit of the policy that denies it',
  },
  {
    file: 'src/supervise/supervisor.ts',
    find: "return { status: 503, reason: 'it could not be judged' }",
    replace: 'return undefined',
    tests: SUPERVISOR,
    breaks: 'a bug in judging keeps a stream open for ever',
  },
  {
    file: 'src/supervise/supervisor.ts',
    find: 'now() - since >= MOST_DOUBT_MS',
    replace: 'false',
    tests: SUPERVISOR,
    breaks: 'a store that is away keeps streams open for ever',
  },
  {
    file: 'src/supervise/supervisor.ts',
    find: "if (judgement === 'route gone') return { status: 403, reason: 'the route is not there any more' }",
    replace: "if (judgement === 'route gone') return undefined",
    tests: SUPERVISOR,
    breaks: 'a stream outlives its route',
  },
  {
    file: 'src/supervise/judge.ts',
    find: "if (!isKept(route, facts)) return 'not known'",
    replace: '',
    tests: JUDGE,
    breaks: 'a stream to a path that is closed now is judged as one to the root',
  },
  {
    file: 'src/supervise/judge.ts',
    find: '[expiresAt, issuedAt + lifetime]',
    replace: '[issuedAt + lifetime]',
    tests: JUDGE,
    breaks: 'a stream outlives the session',
  },
  {
    file: 'src/supervise/judge.ts',
    find: 'demand.maxAge !== undefined ||',
    replace: '',
    tests: JUDGE,
    breaks: 'a stream outlives the time for which a sign-in is recent enough',
  },
]
