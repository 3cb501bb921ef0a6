/**
 * Lines that everything else stands on: references, seals, signed URLs, the order of a check, the sign-in.
 */
import type { Mutant } from './mutant.ts'

const REFERENCE = ['src/edge/session-reference.test.ts']
const SIGNED = ['src/crypto/signed-url.test.ts']
const SEAL = ['src/crypto/seal.test.ts']
const FLOW = ['src/edge/flow.test.ts']
const ACCOUNT = ['src/edge/service-account-token.test.ts']
const PIPELINE = ['src/extauthz/pipeline.test.ts']
const REUSE = ['src/extauthz/reuse.test.ts', 'src/extauthz/client-certificate.test.ts']
const SIGN_IN = ['pipeline', 'sign-in', 'sites'].map((name) => `src/authenticate/${name}.test.ts`)
const POLICY = ['src/policy/missing-facts.test.ts', 'src/policy/known-groups.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/edge/session-reference.ts',
    find: 'return timingSafeEqual(expected, Buffer.from(mac)) ? sessionId : undefined',
    replace: 'return expected.length > 0 ? sessionId : undefined',
    tests: REFERENCE,
    breaks: 'whoever knows or guesses the id of a session has it',
  },
  {
    file: 'src/edge/session-reference.ts',
    find: '${audience.toLowerCase()}',
    replace: '${audience.slice(0, 0)}',
    tests: REFERENCE,
    breaks: 'the cookie of one host is good on every other',
  },
  {
    file: 'src/edge/session-reference.ts',
    find: '[...references].slice(0, MOST_REFERENCES)',
    replace: '[...references]',
    tests: REFERENCE,
    breaks: 'a request with thousands of references costs thousands of MACs',
  },
  {
    file: 'src/crypto/signed-url.ts',
    find: 'if (presented.length !== expected.length || !timingSafeEqual(presented, expected))',
    replace: 'if (presented.length !== expected.length)',
    tests: SIGNED,
    breaks: 'anybody writes sign-in and hand-off addresses of ours',
  },
  {
    file: 'src/crypto/signed-url.ts',
    find: 'if (SIGNING_PARAMETERS.some((name) => given.searchParams.getAll(name).length !== 1))',
    replace: 'if (SIGNING_PARAMETERS.some((name) => given.searchParams.getAll(name).length < 1))',
    tests: SIGNED,
    breaks: 'a parameter that occurs twice is judged by one value and used by the other',
  },
  {
    file: 'src/crypto/signed-url.ts',
    find: 'if (secondsOf(given, EXPIRY_PARAMETER) < nowSeconds - LEEWAY_SECONDS)',
    replace: 'if (secondsOf(given, EXPIRY_PARAMETER) < 0)',
    tests: SIGNED,
    breaks: 'a signed address is good for ever',
  },
  {
    file: 'src/crypto/signed-url.ts',
    find: 'if (secondsOf(given, ISSUED_PARAMETER) > nowSeconds + LEEWAY_SECONDS)',
    replace: 'if (secondsOf(given, ISSUED_PARAMETER) > nowSeconds + 1e9)',
    tests: SIGNED,
    breaks: 'an address that a wrong clock has signed outlives its time by as much',
  },
  {
    file: 'src/crypto/seal.ts',
    find: 'decipher.setAAD(Buffer.from(aad)).setAuthTag(bytes.subarray(tagAt))',
    replace: 'decipher.setAAD(Buffer.from("")).setAuthTag(bytes.subarray(tagAt))',
    tests: SEAL,
    breaks: 'what was sealed for one place can be moved to another',
  },
  {
    file: 'src/edge/flow.ts',
    find: 'return presented.length === expected.length && timingSafeEqual(presented, expected)',
    replace: 'return presented.length === expected.length',
    tests: FLOW,
    breaks: 'a hand-off of somebody else signs this browser in as them',
  },
  {
    file: 'src/edge/flow.ts',
    find: 'if (!isFlowCookieValue(cookieValue)) return false',
    replace: 'if (cookieValue === undefined) return false',
    tests: FLOW,
    breaks: 'a short flow cookie that somebody planted can be guessed',
  },
  {
    file: 'src/edge/service-account-token.ts',
    find: 'return timingSafeEqual(Buffer.from(macOf(id, key)), Buffer.from(mac)) ? id : undefined',
    replace: 'return macOf(id, key).length === mac.length ? id : undefined',
    tests: ACCOUNT,
    breaks: 'whoever knows the id of a service account is it',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: "throw new Fault('ROUTE_UNKNOWN', `Envoy asks for a route that is not known: ${check.request.routeId}`)",
    replace: 'return undefined',
    tests: PIPELINE,
    breaks: 'a route that was removed a moment ago is judged by no policy',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: "return request.byteLength > LARGEST_HEADERS ? { outcome: 'refuse', reason: 'headers-too-large' } : undefined",
    replace:
      "return request.byteLength > 1e9 ? { outcome: 'refuse', reason: 'headers-too-large' } : undefined",
    tests: PIPELINE,
    breaks: 'apps break on headers that nobody told them of',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: "return reason === undefined ? undefined : { outcome: 'refuse', reason }\n}\n\n/** By what Envoy tells",
    replace: 'return reason === undefined ? undefined : undefined\n}\n\n/** By what Envoy tells',
    tests: ['src/extauthz/credentials.test.ts', ...PIPELINE],
    breaks: 'of two credentials in one request the attacker chooses which counts',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: 'if (!Number.isSafeInteger(Math.floor(now)) || now <= 0)',
    replace: 'if (now === -1)',
    tests: ['src/extauthz/fail-closed.test.ts'],
    breaks: 'with a clock that shows no time nothing expires',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: "return certificate.validity === 'valid' ? certificate.fingerprint : 'invalid'",
    replace: "return certificate.validity === 'valid' ? 'valid' : 'invalid'",
    tests: REUSE,
    breaks: 'what an app is told of one certificate is sent with the request of another',
  },
  {
    file: 'src/extauthz/allowed.ts',
    find: 'ready.sessionVersion === sessionVersion &&',
    replace: '',
    tests: REUSE,
    breaks: 'an app is told groups that somebody has lost',
  },
  {
    file: 'src/extauthz/allowed.ts',
    find: 'ready.isAuthorizationOurs === isAuthorizationOurs &&',
    replace: '',
    tests: REUSE,
    breaks: 'a credential of ours reaches the app',
  },
  {
    file: 'src/extauthz/allowed.ts',
    find: 'ready.variant === variant &&',
    replace: '',
    tests: REUSE,
    breaks: 'the header of one request is copied into the next',
  },
  {
    file: 'src/extauthz/allowed.ts',
    find: 'now < ready.goodUntil',
    replace: 'now < Infinity',
    tests: ['src/upstream/idp-tokens.test.ts', 'src/extauthz/platform-token.test.ts'],
    breaks: 'an app gets a token that has ended',
  },
  {
    file: 'src/authenticate/steps/hand-off.ts',
    find: 'if (flow !== undefined && flowMatches(present, flow)) return undefined',
    replace: 'if (flow !== undefined) return undefined',
    tests: SIGN_IN,
    breaks: 'a link signs the victim in as the attacker',
  },
  {
    file: 'src/authenticate/steps/hand-off.ts',
    find: 'if (`${visit.sites.authenticateUrl.protocol}//${host}` !== visit.site.origin) {',
    replace: 'if (host.length > 1e6) {',
    tests: SIGN_IN,
    breaks: 'a hand-off for one host is taken on another',
  },
  {
    file: 'src/authenticate/steps/hand-off.ts',
    find: "return isFirst ? undefined : restart(visit, 'the hand-off has been used already')",
    replace: 'return isFirst ? undefined : undefined',
    tests: SIGN_IN,
    breaks: 'a hand-off that somebody has seen can be used again',
  },
  {
    file: 'src/authenticate/steps/oauth-callback.ts',
    find: "if (!isFirst) throw new Fault('OAUTH_STATE_INVALID', 'the state has been used already')",
    replace: '',
    tests: SIGN_IN,
    breaks: 'an answer of the provider can be used twice',
  },
  {
    file: 'src/authenticate/steps/oauth-callback.ts',
    find: 'const loginCookie = present.find(({ value }) => fingerprint(value) === browser)',
    replace: 'const loginCookie = present.find(({ value }) => value !== browser)',
    tests: SIGN_IN,
    breaks: 'an answer that was meant for another browser is taken (login CSRF)',
  },
  {
    file: 'src/authenticate/sites.ts',
    find: "if (url === null || url.protocol !== scheme || url.username !== '' || url.password !== '')",
    replace: 'if (url === null)',
    tests: SIGN_IN,
    breaks: 'a return address with another scheme or a name before the host is followed',
  },
  {
    file: 'src/authenticate/sites.ts',
    find: 'return isService(url) || isRoute(url) ? url : undefined',
    replace: 'return url',
    tests: SIGN_IN,
    breaks: 'the sign-in sends people to any site (open redirect)',
  },
  {
    file: 'src/policy/judge.ts',
    find: "if (deny === 'hit' || (deny === 'unknown' && allow === 'hit')) {",
    replace: "if (deny === 'hit') {",
    tests: POLICY,
    breaks: 'a deny rule that can not be decided lets pass',
  },
  {
    file: 'src/policy/judge.ts',
    find: 'if (latest?.isAnonymous === isAnonymous && isSame(latest.outcomes, outcomes)) return latest.judged',
    replace: 'if (latest !== undefined && isSame(latest.outcomes, outcomes)) return latest.judged',
    tests: POLICY,
    breaks: 'a stranger gets the decision of somebody who is signed in',
    survives: 'only strangers have outcomes that ask who they are, so equal outcomes decide alike',
  },
  {
    file: 'src/access/pipeline.ts',
    find: 'keepSessions(access, (session) => !isSignedIn(access, session) || access.now < session.expiresAt)',
    replace: 'keepSessions(access, () => true)',
    tests: PIPELINE,
    breaks: 'a session is good until it is swept',
  },
  {
    file: 'src/access/pipeline.ts',
    find: 'keepSessions(access, ({ kind, idpId }) => isMachine(kind) || idpIds.includes(idpId))',
    replace: 'keepSessions(access, () => idpIds.length >= 0)',
    tests: PIPELINE,
    breaks: 'people of one provider use routes that are for another',
  },
  {
    file: 'src/access/pipeline.ts',
    find: 'keepSessions(access, (session) => !directory.isDeactivated(session))',
    replace: '',
    tests: PIPELINE,
    breaks: 'whom the directory has deactivated goes on',
  },
  {
    file: 'src/access/pipeline.ts',
    find: "return sessions.length > 1 ? { outcome: 'refuse', reason: 'conflicting-credentials' } : undefined",
    replace: 'return sessions.length > 99 ? undefined : undefined',
    tests: PIPELINE,
    breaks: 'of two people in one request the first one counts, whoever put it there',
  },
  {
    file: 'src/access/pipeline.ts',
    find: "return decision.outcome === 'allow' ? undefined : { outcome: decision.outcome, decision }",
    replace: "return decision.outcome !== 'deny' ? undefined : { outcome: decision.outcome, decision }",
    tests: PIPELINE,
    breaks: 'strangers pass where they should sign in',
  },
  {
    file: 'src/upstream/impersonation.ts',
    find: "if (session === undefined) return { outcome: 'refuse', reason: 'name-required' }",
    replace: 'if (session === undefined) return undefined',
    tests: PIPELINE,
    breaks: 'a stranger on a public Kubernetes route has all the power of the service account',
  },
]
