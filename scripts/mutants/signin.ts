import type { Mutant } from './mutant.ts'

const CREDENTIALS = ['src/extauthz/credentials.test.ts']
const REFUSALS = ['src/extauthz/answers/sign-in.test.ts']
const COOKIES = ['src/authenticate/cookies.test.ts', 'src/extauthz/cookies.test.ts']
const FLOWS = [
  'src/authenticate/*sign-in.test.ts',
  'src/authenticate/hand-off.test.ts',
  'src/authenticate/pipeline.test.ts',
]

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/edge/header-credentials.ts',
    find: "const MENTIONS_BEARER = new RegExp(`${START}bearer(?![a-z0-9])`, 'i')",
    replace: "const MENTIONS_BEARER = new RegExp(`${START}bearer(?: |$)`, 'i')",
    tests: CREDENTIALS,
    breaks: 'a token behind "Bearer" and a tab reaches the app without having been verified',
  },
  {
    file: 'src/edge/header-credentials.ts',
    find: 'const START = String.raw`(?:^|,)[^\\x21-\\x7e]*`',
    replace: 'const START = String.raw`(?:^|,) *`',
    tests: CREDENTIALS,
    breaks: 'a token behind white space beyond ASCII reaches the app without having been verified',
  },
  {
    file: 'src/edge/header-credentials.ts',
    find: 'bearer[^a-z0-9]*pomerium-)`',
    replace: 'bearer +pomerium-)`',
    tests: CREDENTIALS,
    breaks: 'the reference of a session reaches the app',
  },
  {
    file: 'src/edge/header-credentials.ts',
    find: 'forProxies !== undefined && MENTIONS_OURS.test(forProxies) ? forProxies : undefined,',
    replace: 'undefined,',
    tests: CREDENTIALS,
    breaks: 'the reference of a session in Proxy-Authorization reaches the app',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: 'const reason = problem ?? (route?.takesBearer === true ? bearerProblem : undefined)',
    replace: 'const reason = problem',
    tests: CREDENTIALS,
    breaks: 'of two tokens in one header the check verifies another than the app reads',
  },
  {
    file: 'src/extauthz/routes.ts',
    find: 'return isHost && port === asked',
    replace: 'return isHost',
    tests: REFUSALS,
    breaks: 'a server on another port of the machine reads whether its visitors are signed in',
  },
  {
    file: 'src/edge/sign-in-url.ts',
    find: 'return signSignIn(new URL(BEGIN_PATH, parts.appOrigin), parts, FLOW_SECONDS * 1000)',
    replace:
      'return signSignIn(new URL(`${BEGIN_PATH}?${FLOW_PARAMETER}=x`, parts.appOrigin), parts, FLOW_SECONDS * 1000)',
    tests: REFUSALS,
    breaks: 'an answer that pages of other hosts can read holds what ties a sign-in to a browser',
  },
  {
    file: 'src/authenticate/pipeline.ts',
    find: "protects(checkSignedUrl,                   'BEGIN', ",
    replace: 'protects(checkSignedUrl,                   ',
    tests: FLOWS,
    breaks: 'anybody can make addresses on an app’s host that go to a sign-in of their choice',
  },
  {
    file: 'src/authenticate/steps/oauth-callback.ts',
    find: 'if (age > STATE_LIFETIME_MS)',
    replace: 'if (age > Number.MAX_VALUE)',
    tests: FLOWS,
    breaks: 'an answer of the provider is good for ever',
  },
  {
    file: 'src/authenticate/steps/oauth-callback.ts',
    find: 'return plan.isRenewal ? undefined : goToProvider(visit, { ...plan, isRenewal: true })',
    replace: 'return goToProvider(visit, { ...plan, isRenewal: true })',
    tests: FLOWS,
    breaks: 'clocks that disagree send people round for ever',
  },
  {
    file: 'src/edge/session-cookie.ts',
    find: "const domain = kind === 'app' ? domainFor(host, shared) : undefined",
    replace: 'const domain = domainFor(host, shared)',
    tests: COOKIES,
    breaks: 'any host of the domain plants the session from which all others come',
  },
  {
    file: 'src/edge/session-cookie.ts',
    find: '? { cookieName: hostOnlyName(name), audience: host, domain }',
    replace: '? { cookieName: name, audience: host, domain }',
    tests: COOKIES,
    breaks: 'a neighbour on the domain signs people in as the attacker',
  },
  {
    file: 'src/edge/session-reference.ts',
    find: 'const content = `${sessionId}\\0${audience.toLowerCase()}\\0${cookieName}`',
    replace: 'const content = `${sessionId}\\0${audience.toLowerCase()}`',
    tests: ['src/edge/session-reference.test.ts'],
    breaks: 'a cookie that apps have seen under an older name opens their visitors’ sessions',
  },
  {
    file: 'src/transport/cookie-header.ts',
    find: 'const isBlank = (code: number) => code === SPACE || code === TAB',
    replace: "const isBlank = (code: number) => String.fromCharCode(code).trim() === ''",
    tests: COOKIES,
    breaks:
      'a neighbour on the domain plants a guarded name behind white space that browsers take for a letter',
  },
  {
    file: 'src/extauthz/cookies.ts',
    find: 'name.startsWith(OUR_PREFIX) || hasReferenceForm(pair.value)',
    replace: 'name.startsWith(OUR_PREFIX)',
    tests: COOKIES,
    breaks: 'an app sees references under a name that the cookie had before',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: '${audience}\\n${certificateKey(check)}\\n',
    replace: '${audience}\\n',
    tests: ['src/extauthz/client-certificate.test.ts'],
    breaks: 'an app is told the certificate of another client',
  },
  {
    file: 'src/authenticate/steps/sign-out.ts',
    find: "const isBelieved = place === 'here' || (visit.request.method !== 'POST' && place !== 'elsewhere')",
    replace: "const isBelieved = place !== 'elsewhere'",
    tests: ['src/authenticate/sign-out.test.ts'],
    breaks: 'a form on another host signs people out in a browser that says nothing of its place',
  },
  {
    file: 'src/edge/header-credentials.ts',
    find: String.raw`pomerium(?: +([\w.~+/=-]+))?|`,
    replace: String.raw`pomerium(?: +|$)([\w.~+/=-]*)|`,
    tests: ['src/extauthz/header-cost.test.ts'],
    breaks: 'one header of blanks holds up every check for seconds',
  },
]
