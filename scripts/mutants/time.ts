import type { Mutant } from './mutant.ts'

/** Times of identity facts, and what is known of people while a source can't be asked. */
export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/policy/matchers.ts',
    find: 'undecided(isWhole, true),',
    replace: 'true,',
    tests: ['src/policy/known-groups.test.ts'],
    breaks: 'Who is in an excluded group gets in while the source that knows it can not be asked.',
  },
  {
    file: 'src/policy/matchers.ts',
    find: 'if (isWhole) return list.length === 1 && list[0] === wanted',
    replace: 'if (isWhole || list.length === 1) return list.length === 1 && list[0] === wanted',
    tests: ['src/policy/known-groups.test.ts'],
    breaks: 'A rule for people of one group alone lets in those of others, whose source can not be asked.',
  },
  {
    file: 'src/identity/directory/directory.ts',
    find: "(canTell ? false : 'unknown')",
    replace: 'false',
    tests: ['src/identity/directory/directory.test.ts'],
    breaks: 'Who may name a group names it as one that opens more, while the source of that one is too old.',
  },
  {
    file: 'src/identity/sign-in-facts.ts',
    find: 'return time > now + SKEW_MS ? LONG_AGO : ',
    replace: 'return ',
    tests: ['src/identity/sign-in-facts.test.ts'],
    breaks: 'A time in milliseconds or in the future makes every sign-in one of now.',
  },
  {
    file: 'src/identity/sign-in-facts.ts',
    find: 'const authenticatedAt = isGiven(authTime) ? timeOf(authTime, now) : issuedAt',
    replace: 'const authenticatedAt = isGiven(authTime) ? now : issuedAt',
    tests: ['src/identity/sign-in-facts.test.ts', 'src/identity/bearer/person-tokens.test.ts'],
    breaks: 'An ID token of hours ago opens a route that asks for a sign-in of minutes.',
  },
  {
    file: 'src/identity/sign-in-facts.ts',
    find: "const authenticatedAt = Math.min(issuedAt, timeOf(claims['auth_time'], now))",
    replace: 'const authenticatedAt = issuedAt',
    tests: ['src/identity/sign-in-facts.test.ts'],
    breaks: 'A refresh token makes access tokens that pass for sign-ins of now.',
  },
  {
    file: 'src/identity/bearer/presented-token.ts',
    find: 'const signed = known?.claims.sub === claims.sub ? known.signed : {}',
    replace: 'const signed = claims',
    tests: ['src/identity/bearer/person-tokens.test.ts'],
    breaks: 'Userinfo, which tells of the present, makes an opaque token one of a recent sign-in.',
  },
  {
    file: 'src/identity/bearer/person-tokens.ts',
    find: 'if (session.expiresAt <= now) {',
    replace: 'if (session.expiresAt < 0) {',
    tests: ['src/identity/bearer/person-tokens.test.ts'],
    breaks: 'A token goes on after any session would have ended.',
  },
  {
    file: 'src/extauthz/machine-credentials.ts',
    find: 'if (age >= (route?.route.session_lifetime ?? Infinity)) return invalid(TOO_OLD)',
    replace: '',
    tests: ['src/extauthz/token-age.test.ts'],
    breaks: 'A token of any age opens a route that takes sign-ins for an hour only.',
  },
  {
    file: 'src/extauthz/machine-credentials.ts',
    find: 'if (now >= session.expiresAt) return invalid(',
    replace: 'if (now > session.expiresAt + 1e12) return invalid(',
    tests: ['src/extauthz/token-age.test.ts'],
    breaks: 'A token that ends while a request waits is good for that request.',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: 'late ?? judgeAgain(check, judge, steps.slice(0, index + 1))',
    replace: 'late',
    tests: ['src/extauthz/judged-again.test.ts'],
    breaks: 'Who was signed out or switched off while a request waited still gets its answer.',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: `  check.now = judge.now()
  for (`,
    replace: '  for (',
    tests: ['src/extauthz/judged-again.test.ts'],
    breaks: 'A session that expired while a request waited still counts for it.',
  },
  {
    file: 'src/extauthz/allowed.ts',
    find: 'ready.sessionId === sessionId &&',
    replace: '',
    tests: ['src/extauthz/judged-again.test.ts'],
    breaks: 'One workload is passed on with the identity of another that asked before.',
  },
  {
    file: 'src/extauthz/authorizer.ts',
    find: `directory?.onChange(() => {
    visitors.clear()
    assertions.clear()`,
    replace: `directory?.onChange(() => {
    visitors.clear()`,
    tests: ['src/extauthz/judged-again.test.ts'],
    breaks: 'An app is told for a minute of a group that somebody is not in any more.',
  },
]
