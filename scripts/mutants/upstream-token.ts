/**
 * Tokens for upstreams: whose they are, until when, and what goes out without one.
 *
 * @module
 */
import type { Mutant } from './mutant.ts'

const KEPT = 'src/upstream/kept-tokens.ts'
const TOKENS = 'src/upstream/exchange/tokens.ts'
const REQUEST = 'src/upstream/exchange/token-request.ts'
const CONTRIBUTOR = 'src/upstream/exchange/upstream-token.ts'
const KEYS = 'src/config/keys/upstream/upstream-token.ts'
const OF_TOKENS = ['src/upstream/exchange/tokens.test.ts']
const OF_TROUBLES = ['src/upstream/exchange/troubles.test.ts']
const OF_REQUEST = ['src/upstream/exchange/token-request.test.ts']
const OF_CONTRIBUTOR = ['src/upstream/exchange/upstream-token.test.ts']
const OF_KEYS = ['src/config/keys/upstream/upstream-token.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: KEPT,
    find: 'kept === undefined || kept.proof !== proof',
    replace: 'kept === undefined',
    tests: OF_TOKENS,
    breaks: 'a token of before the session was renewed, or of another who sat there, goes on',
  },
  {
    file: KEPT,
    find: 'slot?.pending?.proof === proof ? slot.pending.answer : undefined',
    replace: 'slot?.pending?.answer',
    tests: OF_TOKENS,
    breaks: 'who comes with a new token of the session gets one that was exchanged for the old one',
  },
  {
    file: KEPT,
    find: '      const isCurrent = slot.pending === flight()',
    replace: '      const isCurrent = true',
    tests: OF_TOKENS,
    breaks: 'a late answer for an old token takes the place of the new one',
  },
  {
    file: KEPT,
    find: ' && at < token.goodUntil',
    replace: '',
    tests: OF_TOKENS,
    breaks: 'apps get tokens that have ended while the issuer is down',
  },
  {
    file: KEPT,
    find: 'at >= token.begunAt && ',
    replace: '',
    tests: OF_TOKENS,
    breaks: 'after the clock was set back a token lives longer than its issuer said',
  },
  {
    file: KEPT,
    find: '    this.#letGo(ofHolder)\n    this.#slots.delete(holder)\n',
    replace: '    this.#letGo(ofHolder)\n',
    tests: OF_TOKENS,
    breaks: 'the token of somebody who has signed out stays in memory',
  },
  {
    file: KEPT,
    find: '    this.#slots.forgetWhile(() => this.#bytes > MOST_BYTES)\n',
    replace: '',
    tests: OF_TOKENS,
    breaks: 'large tokens fill the memory',
  },
  {
    file: KEPT,
    find: '    return this.#pendingCount >= MOST_PENDING ? this.#options.tooManyAtOnce : undefined',
    replace: '    return undefined',
    tests: OF_TROUBLES,
    breaks: 'ten thousand people at once hold as many questions open, all of which come too late',
  },
  {
    file: KEPT,
    find: 'failed !== undefined && failed.proof === proof',
    replace: 'failed !== undefined && failed.times < 0',
    tests: OF_TROUBLES,
    breaks: 'an issuer that refuses somebody is asked once a request',
  },
  {
    file: TOKENS,
    find: '  const endsAt = begunAt + lifetimeMs',
    replace: '  const endsAt = begunAt + lifetimeMs + 5000',
    tests: OF_TOKENS,
    breaks: 'a token is passed on after its end',
  },
  {
    file: TOKENS,
    find: 'JSON.stringify([terms, terms.client_secret?.reveal()])',
    replace: 'JSON.stringify([terms.audience])',
    tests: OF_TOKENS,
    breaks: 'a route gets the token of another that asked for fewer or more scopes',
  },
  {
    file: TOKENS,
    find: '    if (failure.isOfIssuer === true && begunAt >= going.pausedAt) {',
    replace: '    if (begunAt >= going.pausedAt) {',
    tests: OF_TROUBLES,
    breaks: 'three people whose sign-in has ended at the provider keep all others out',
  },
  {
    file: TOKENS,
    find: "going.failing.add(session?.userId ?? '')",
    replace: 'going.failing.add(String(going.failing.size))',
    tests: OF_TROUBLES,
    breaks: 'one person for whom the issuer always fails keeps all others out',
  },
  {
    file: TOKENS,
    find: '    if (at < going.retryAt && going.retryAt - at <= LONGEST_PAUSE_MS) return going.last\n',
    replace: '',
    tests: OF_TROUBLES,
    breaks: 'an issuer that is down is asked once a person',
  },
  {
    file: REQUEST,
    find: '(?![",;\\\\])',
    replace: '',
    tests: OF_REQUEST,
    breaks: 'a token that an app reads as two values is passed on',
  },
  {
    file: REQUEST,
    find: '[\\x21-\\x7e])+$/',
    replace: '[^])+$/',
    tests: OF_REQUEST,
    breaks: 'whoever names the token sets further headers of the request',
  },
  {
    file: REQUEST,
    find: '  if (found.some((each) => asked.includes(each))) return undefined\n',
    replace: '  if (found.length >= 0) return undefined\n',
    tests: OF_REQUEST,
    breaks: 'an app gets a token that is good elsewhere',
  },
  {
    file: REQUEST,
    find: '  if (stated !== undefined && !(stated > 0))',
    replace: '  if (stated !== undefined && stated < 0)',
    tests: OF_REQUEST,
    breaks: 'a token with an unreadable end is kept for ever',
  },
  {
    file: REQUEST,
    find: "  return clean.replaceAll(LIKE_A_SECRET, '…')",
    replace: '  return clean',
    tests: OF_REQUEST,
    breaks: 'a token that the issuer repeats stands in the log',
  },
  {
    file: REQUEST,
    find: '  if (value.length > LARGEST_TOKEN) return invalid(`its token is larger than ${LARGEST_TOKEN} bytes`)\n',
    replace: '',
    tests: OF_REQUEST,
    breaks: 'a huge token makes Envoy refuse all that somebody asks for',
  },
  {
    file: CONTRIBUTOR,
    find: '(token.sessionId === session?.id && token.userId === session.userId)',
    replace: 'true',
    tests: OF_CONTRIBUTOR,
    breaks: 'who comes to sit behind a session while a token is got goes out with the token of who sat there',
  },
  {
    file: CONTRIBUTOR,
    find: '      token.termsKey === termsKey &&\n',
    replace: '',
    tests: OF_CONTRIBUTOR,
    breaks: 'a token for another audience goes out after a change of the configuration',
  },
  {
    file: CONTRIBUTOR,
    find: ' && now < token.goodUntil',
    replace: '',
    tests: OF_CONTRIBUTOR,
    breaks: 'a request that has waited goes out with a token that has ended',
  },
  {
    file: CONTRIBUTOR,
    find: "      variant: ({ upstreamToken: token }) => (token === undefined ? '' : String(token.serial)),\n",
    replace: '',
    tests: OF_CONTRIBUTOR,
    breaks: 'a preflight of a stranger goes out with the token of the proxy, out of a kept answer',
  },
  {
    file: CONTRIBUTOR,
    find: "  if (session === undefined && isPreflight(passing)) return 'nothing to do'\n",
    replace: '',
    tests: OF_CONTRIBUTOR,
    breaks: 'a preflight of a stranger goes out with the token of the proxy',
  },
  {
    file: KEYS,
    find: "  if (url.protocol === 'http:' && !isLoopback(url.hostname))",
    replace: '  if (url.protocol === "ftp:")',
    tests: OF_KEYS,
    breaks: 'secret and tokens go over the network in plain text',
  },
  {
    file: KEYS,
    find: "    found.push(at('token_url', 'needs `client_id` beside it: the secret of the sign-in goes nowhere else'))",
    replace: '    found.push()',
    tests: OF_KEYS,
    breaks: 'the configuration is taken, and every request fails',
  },
  {
    file: 'src/config/keys/upstream/upstream-headers.ts',
    find: '    own === undefined ? NONE : [secret(own.header)],',
    replace: '    own === undefined ? NONE : [open(own.header)],',
    tests: OF_KEYS,
    breaks: 'the token stands in the access log',
  },
  {
    file: 'src/config/keys/upstream/upstream-headers.ts',
    find: '      if (other === key) return []\n',
    replace: '      return []\n',
    tests: ['src/config/keys/upstream/upstream-headers.test.ts'],
    breaks: 'which of two credentials an app gets is chance',
  },
]
