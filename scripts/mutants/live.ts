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
    find: 'now - since >= MOST_DOUBT_MS',
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
    find: "if (!isKept(route, permit, facts)) return 'not known'",
    replace: '',
    tests: JUDGE,
    breaks: 'a stream to a path that is closed now is judged as one to the root',
  },
  {
    file: 'src/supervise/judge.ts',
    find: 'Math.min(expiresAt, issuedAt + (route.route.session_lifetime ?? Infinity), lookAgain)',
    replace: 'Math.min(issuedAt + (route.route.session_lifetime ?? Infinity), lookAgain)',
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
  {
    file: 'src/supervise/judge.ts',
    find: "if (policy.reads.has('client_certificate') && certificate === undefined) return false",
    replace: '',
    tests: JUDGE,
    breaks: 'a stream of a certificate that an edit bans goes on as one without a certificate',
  },
  {
    file: 'src/supervise/judge.ts',
    find: 'if (isMachine(kind)) return Math.min(expiresAt, lookAgain)',
    replace: '',
    tests: JUDGE,
    breaks:
      'the stream of an old service account is judged five times a second, and the store read each time',
  },
  {
    file: 'src/supervise/supervisor.ts',
    find: 'if (at < this.#lookedAt) this.allChanged()',
    replace: '',
    tests: SUPERVISOR,
    breaks:
      'a clock that is set back by a day keeps streams open for a day that were to be looked at each second',
  },
  {
    file: 'src/supervise/supervisor.ts',
    find: 'if (isBegun) return undefined',
    replace: '',
    tests: SUPERVISOR,
    breaks: 'judgements pile up while a store hangs, and a late verdict takes the place of a newer one',
  },
  {
    file: 'src/supervise/supervisor.ts',
    find: 'this.#asked.set(stream, isBegun)',
    replace: 'this.#asked.set(stream, false)',
    tests: SUPERVISOR,
    breaks: 'a sign-out while the store is being asked is missed',
  },
  {
    file: 'src/supervise/supervisor.ts',
    find: 'asked instanceof Promise ? await inTime(asked) : asked',
    replace: 'await asked',
    tests: SUPERVISOR,
    breaks: 'a store that hangs leaves new streams to Envoy, which lets them go on with nobody to end them',
  },
  {
    file: 'src/edge/permit.ts',
    find: 'c: z.string().nullish()',
    replace: 'c: z.string().optional()',
    tests: ['src/edge/permit.test.ts'],
    breaks: 'a stream without a client certificate has no permit, and is refused',
  },
  {
    file: 'src/xds/resources/listeners/supervision.ts',
    find: '{ contains: type, ignore_case: true }',
    replace: '{ prefix: type }',
    tests: ['test/golden/golden.test.ts'],
    breaks: 'an event stream whose type is in capitals, or the second of two, outlives the session',
  },
]
