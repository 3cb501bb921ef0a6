import type { Mutant } from './mutant.ts'

const HEADERS = ['src/config/keys/forgeable-headers.test.ts']
const HOSTS = ['src/config/values/host-name.test.ts']
const PIPELINE = ['src/extauthz/pipeline.test.ts']
const FORGED = ['src/extauthz/authorizer.test.ts', 'src/upstream/impersonation.test.ts']
const ADDRESSES = ['src/edge/client-address.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/config/values/host-name.ts',
    find: 'new RegExp(`^(${LABELS}|${BRACKETED})(?::(${PORT}))?$`)',
    replace: 'new RegExp(`^(${LABELS}|${BRACKETED})(?::(${PORT}))?`)',
    tests: HOSTS,
    breaks: 'app.example.com:443.evil.com is taken for the app, and assertions are made for it',
  },
  {
    file: 'src/config/values/host-name.ts',
    find: 'export const PLAIN_AUTHORITY = `(?:${LABELS}|${BRACKETED})(?::(?:${PORT}))?`',
    replace: 'export const PLAIN_AUTHORITY = `(?:${LABELS}|${BRACKETED})(?::.*)?`',
    tests: HOSTS,
    breaks: 'Envoy lets any text behind the colon of a host pass',
  },
  {
    file: 'src/config/values/host-name.ts',
    find: 'host.length > LONGEST_NAME',
    replace: 'host.length > 1e9',
    tests: HOSTS,
    breaks: 'assertions and addresses are made of a name of any length',
  },
  {
    file: 'src/config/values/host-name.ts',
    find: 'if (!isAddress && NUMBER_LAST.test(host) && isIP(host) !== 4) return undefined',
    replace: '',
    tests: HOSTS,
    breaks: 'strangers make a check fail with a host that no URL can have',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: "return host === '' ? ambiguous('the host is not written as hosts are') : undefined",
    replace: 'return undefined',
    tests: PIPELINE,
    breaks: 'an assertion is made out to no host when Envoy is set up otherwise',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: 'return ECHOING.test(request.method)',
    replace: "return ECHOING.test('')",
    tests: PIPELINE,
    breaks: 'an app sends back the assertion and tokens that it alone may see',
  },
  {
    file: 'src/config/keys/forgeable-headers.ts',
    find: 'if (oddName.test(name)) return true',
    replace: 'if (oddName.test(name)) return false',
    tests: HEADERS,
    breaks: 'remote.user names the user to servers that make one variable of it and Remote-User',
  },
  {
    file: 'src/config/keys/forgeable-headers.ts',
    find: "export const withHyphens = (name: string): string => name.replaceAll('_', '-')",
    replace: "export const withHyphens = (name: string): string => name.replace('_', '-')",
    tests: HEADERS,
    breaks: 'x_remote_user names the user to WSGI servers where headers with underscores are allowed',
  },
  {
    file: 'src/config/keys/forgeable-headers.ts',
    find: "const loosely = (text: string): string => text.replaceAll('-', '[-_]')",
    replace: 'const loosely = (text: string): string => text',
    tests: HEADERS,
    breaks: 'Envoy lets remote_user pass where headers with underscores are allowed',
  },
  {
    file: 'src/config/keys/forgeable-headers.ts',
    find: 'return [...disguised(family).map((text) => `${text}.*`), family + noneOf(rests)]',
    replace: 'return [family + noneOf(rests)]',
    tests: HEADERS,
    breaks: 'x_forwarded_host passes Envoy where headers with underscores are allowed',
  },
  {
    file: 'src/config/keys/forgeable-headers.ts',
    find: "groups.size === 0 ? '.+' :",
    replace: "groups.size === 0 ? '' :",
    tests: HEADERS,
    breaks: 'names that begin like one that Envoy writes pass: x-forwarded-form',
  },
  {
    file: 'src/extauthz/forged-headers.ts',
    find: 'if (!isPlain) return true',
    replace: 'if (!isPlain) return false',
    tests: FORGED,
    breaks: 'the second gate does not look at names with separators of other kinds',
  },
  {
    file: 'src/edge/client-address.ts',
    find: 'return version === 0 ? UNKNOWN : address',
    replace: 'return address',
    tests: ADDRESSES,
    breaks: 'what a proxy could not tell counts as an address, and a deny rule on addresses misses it',
  },
  {
    file: 'src/edge/client-address.ts',
    find: 'entries.at(isPeerLeftOut ? -hops : -hops - 1)',
    replace: 'entries.at(-hops - 2)',
    tests: ADDRESSES,
    breaks: 'the client chooses its own address in X-Forwarded-For',
  },
  {
    file: 'src/xds/resources/server-certificates.ts',
    find: "!parent.includes('.')",
    replace: 'parent.length === 0',
    tests: ['src/xds/resources/server-certificates.test.ts'],
    breaks: 'twenty hosts under .localhost get a wildcard that no browser takes, and no page opens',
  },
  {
    file: 'src/xds/resources/server-certificates.ts',
    find: 'return sum % SHARES',
    replace: 'return sum * 0',
    tests: ['src/xds/resources/server-certificates.test.ts'],
    breaks:
      'each further host makes all certificates anew, and one of 10,000 hosts is more than clients take',
  },
  {
    file: 'src/crypto/x509/certificate-coverage.ts',
    find: "covered.has(`*${host.slice(host.indexOf('.'))}`)",
    replace: "[...covered].some((name) => name.startsWith('*') && host.endsWith(name.slice(1)))",
    tests: ['src/crypto/x509/certificate-coverage.test.ts'],
    breaks: 'a host two labels below a wildcard is served a certificate that browsers refuse',
  },
  {
    file: 'src/edge/session-cookie.ts',
    find: "place.domain !== ours || place.path !== '/'",
    replace: 'place.domain !== ours',
    tests: ['src/edge/session-cookie.test.ts'],
    breaks:
      'a neighbour on the cookie domain plants a session for one path, and the visitor gets 400 there for good',
  },
  {
    file: 'src/edge/session-cookie.ts',
    find: "place.domain !== ours || place.path !== '/'",
    replace: 'true',
    tests: ['src/edge/session-cookie.test.ts'],
    breaks: 'a neighbour on the cookie domain signs people out by planting a session',
  },
  {
    file: 'src/edge/session-cookie.ts',
    find: '!PLAIN_SEGMENT.test(segment)',
    replace: "segment === ''",
    tests: ['src/edge/session-cookie.test.ts'],
    breaks: 'a link whose path holds a semicolon sets attributes of a cookie of ours',
  },
  {
    file: 'src/extauthz/check-response.ts',
    find: "name === 'set-cookie' ? APPEND_IF_EXISTS_OR_ADD : OVERWRITE_IF_EXISTS_OR_ADD",
    replace: 'OVERWRITE_IF_EXISTS_OR_ADD',
    tests: ['src/extauthz/planted-session.test.ts'],
    breaks: 'of the lines that take planted sessions away one is left, and the 400 stays',
  },
  {
    file: 'src/extauthz/authorizer.ts',
    find: "reason !== 'conflicting-credentials'",
    replace: "reason === 'conflicting-credentials'",
    tests: ['src/extauthz/planted-session.test.ts'],
    breaks: 'a planted session locks its victim out of the app',
  },
  {
    file: 'src/authenticate/steps/read-session.ts',
    find: 'visit.cookies.push(...endedBeside(sessionCookieOf(visit), site.host, request.path))',
    replace: '',
    tests: ['src/authenticate/planted-session.test.ts'],
    breaks: 'a session that is planted for the path of the callback makes each sign-in fail',
  },
]
