/** Mutants of names and addresses as they come over the wire, and of what reading a path costs. */
import type { Mutant } from './mutant.ts'

const FORGED = ['src/extauthz/authorizer.test.ts']
const ADDRESSES = ['src/edge/client-address.test.ts']
const THREAD = ['test/no-job-holds-the-thread.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/extauthz/forged-headers.ts',
    find: 'return this.#variables.has(variableOf(name))',
    replace: 'return false',
    tests: FORGED,
    breaks: 'a client sets a claim header of the route by its name with other separators',
  },
  {
    file: 'src/extauthz/forged-headers.ts',
    find: 'lower.some((name) => /[^a-z0-9-]/.test(name))',
    replace: 'false',
    tests: FORGED,
    breaks: 'where X_User_Name is configured, the X-User-Name of a client is passed on',
  },
  {
    file: 'src/extauthz/forged-headers.ts',
    find: 'this.#variables = new Set(lower.map(variableOf))',
    replace: "this.#variables = new Set(lower.map((name) => name.replace('-', '_')))",
    tests: FORGED,
    breaks: 'a name with several separators is imitated by exchanging all of them',
  },
  {
    file: 'src/extauthz/forged-headers.ts',
    find: 'const areFields = (bytes: Buffer, from: number): boolean => bytes[from] !== 0x3a',
    replace: 'const areFields = (): boolean => true',
    tests: FORGED,
    breaks: 'a pseudo-header is taken for an imitation, and Envoy is told to take the path off',
  },
  {
    file: 'src/extauthz/routes.ts',
    find: '[...this.contributions.headers, ...(route.remove_request_headers ?? [])]',
    replace: '[...this.contributions.headers]',
    tests: FORGED,
    breaks: 'a header that the route takes off comes through with another separator',
  },
  {
    file: 'src/edge/client-address.ts',
    find: 'if (inBrackets !== undefined) return version === 6 ? address : UNKNOWN',
    replace: 'if (inBrackets !== undefined) return address',
    tests: ADDRESSES,
    breaks: 'an address of IPv4 in brackets, which is none, counts as one',
  },
  {
    file: 'src/edge/client-address.ts',
    find: 'return isPeerLeftOut ? UNKNOWN : addressIn(entries.at(-1))',
    replace: 'return addressIn(entries.at(-1))',
    tests: ADDRESSES,
    breaks: 'where Envoy appends no address, the portal takes the client at its word about its own',
  },
  {
    file: 'src/config/routing/path-guard.ts',
    find: 'countDots(made) + countDots(unescaped) > 0',
    replace: 'countDots(made) > countDots(path)',
    tests: ['src/config/routing/path-guard.test.ts'],
    breaks: 'where Envoy resolves no dots, /../admin leads out of the folder that a route puts before it',
  },
  {
    file: 'src/config/routing/path-guard.ts',
    find: 'countDots(judged) + countDots(unescaped) > 0',
    replace: 'countDots(judged) > 0',
    tests: ['src/config/routing/path-guard.test.ts'],
    breaks:
      'dots whose escape is made of parts pass, and a server that undoes escapes twice leaves the folder',
  },
  {
    file: 'src/authenticate/steps/check-demand.ts',
    find: 'if (authenticatedAt === undefined) return isForced',
    replace: 'if (authenticatedAt === undefined) return true',
    tests: ['src/authenticate/step-up.test.ts'],
    breaks:
      'a fresh browser opens a route with max_age by a session of days ago at a provider without auth_time',
  },
  {
    file: 'src/access/sign-in-age.ts',
    find: 'return authenticatedAt !== undefined && now - Math.min(authenticatedAt, issuedAt) < maxAge',
    replace: 'return now - Math.min(authenticatedAt ?? issuedAt, issuedAt) < maxAge',
    tests: ['src/authenticate/step-up.test.ts'],
    breaks:
      'who came in by an app without max_age, through an old session at the provider, opens one with it',
  },
  {
    file: 'src/policy/criteria/record-criteria.ts',
    find: 'if (isFullId(someone.userId, users)) return full',
    replace: '',
    tests: ['src/policy/criteria/user-criterion.test.ts'],
    breaks: 'who may choose their id at one provider has the record of somebody at another',
  },
  {
    file: 'src/identity/openid/presented-token.ts',
    find: 'if (timeOf(iat, now()) === LONG_AGO)',
    replace: 'if (iat < -10)',
    tests: ['src/access/credentials/bearer/person-tokens.test.ts'],
    breaks: 'a token of the year 1970 counts as one that does not say when it was issued',
  },
  {
    file: 'src/identity/openid/presented-token.ts',
    find: "new Set([undefined, 'jwt', 'application/jwt'])",
    replace: "new Set([undefined, 'jwt', 'application/jwt', 'dpop+jwt'])",
    tests: ['src/access/credentials/bearer/person-tokens.test.ts'],
    breaks: 'a token of another kind by the same provider signs somebody in',
  },
  {
    file: 'src/config/routing/route-match.ts',
    find: 'if (plain === undefined) read.set(route, (plain = unescapePath(text) ?? text))',
    replace: 'plain = unescapePath(text) ?? text',
    tests: THREAD,
    breaks: 'a path of twelve bytes holds the thread for 40 ms on a host with thousands of routes',
  },
]
