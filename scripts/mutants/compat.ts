/** Keys of other proxies: what they may not open. */
import type { Mutant } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/identity/provider-address.ts',
    find: "if (protocol !== 'https:' && mayBePlain !== true && !isLoopback(hostname))",
    replace: "if (protocol !== 'https:' && mayBePlain === false && !isLoopback(hostname))",
    tests: ['src/identity/openid/plain-http.test.ts'],
    breaks: 'tokens and secrets go over plain HTTP where nobody asked for it',
  },
  {
    file: 'src/config/keys/sign-in/provider-rules.ts',
    find: 'text: entry.provider_url,\n        mayBePlain: entry.allow_insecure_http,',
    replace: 'text: entry.provider_url,\n        mayBePlain: settings.idp_allow_insecure_http,',
    tests: ['src/config/keys/settings-rules.test.ts'],
    breaks: 'the permission of one provider holds for all others',
  },
  {
    file: 'src/config/environment.ts',
    find: "if (text === undefined || text === '' || isWritten(file, key)) continue",
    replace: "if (text === undefined || text === '') continue",
    tests: ['src/config/environment.test.ts'],
    breaks: 'a variable of the environment stands beside what the file says of a key or of its twin',
  },
  {
    file: 'src/config/values/text-lists.ts',
    find: "return parts.map((part) => part.trim()).filter((part) => part !== '')",
    replace: 'return parts',
    tests: ['src/config/values/text-lists.test.ts'],
    breaks: 'names with a space in front never fit, and empty ones are in lists of who may pass',
  },
  {
    file: 'src/edge/program-token.ts',
    find: 'if (!timingSafeEqual(Buffer.from(macOf(`${header}.${payload}`, key)), Buffer.from(mac))) return undefined',
    replace:
      'if (Buffer.from(macOf(`${header}.${payload}`, key)).length !== Buffer.from(mac).length) return undefined',
    tests: ['src/edge/program-token.test.ts'],
    breaks: 'anybody writes a token for any session id that they have seen',
  },
  {
    file: 'src/edge/program-token.ts',
    find: 'claims.aud === audience &&',
    replace: "typeof claims.aud === 'string' &&",
    tests: ['src/edge/program-token.test.ts'],
    breaks: 'a token for one app opens all others',
  },
  {
    file: 'src/authenticate/steps/program-login.ts',
    find: "return !isPlain && allowed.includes(url.hostname.replace(/\\.$/, '')) ? url : undefined",
    replace: "return allowed.includes(url.hostname.replace(/\\.$/, '')) ? url : undefined",
    tests: ['src/authenticate/program-login.test.ts'],
    breaks: 'tokens cross the network in plain HTTP',
  },
  {
    file: 'src/authenticate/steps/program-login.ts',
    find: "if (isLoopback(url.hostname)) return allowed.includes('localhost') ? url : undefined",
    replace: 'if (isLoopback(url.hostname)) return url',
    tests: ['src/authenticate/program-login.test.ts'],
    breaks: 'the switch for such sign-ins does nothing',
  },
  {
    file: 'src/authenticate/steps/program-login.ts',
    find: 'if (flow === null || present === undefined || !flowMatches(present, flow)) return false',
    replace: 'if (flow === null) return false',
    tests: ['src/authenticate/program-login.test.ts'],
    breaks: 'a page that somebody else has begun gives a token of whoever opens it, and nobody is asked',
  },
  {
    file: 'src/authenticate/steps/program-login.ts',
    find: "return createHash('sha256').update(`program\\0${id}`).digest('base64url')",
    replace: "return createHash('sha256').update(`program\\0${id.length}`).digest('base64url')",
    tests: ['src/authenticate/program-login.test.ts'],
    breaks: 'the consent of one person counts for all others',
  },
  {
    file: 'src/edge/named-sessions.ts',
    find: 'const ofPrograms = headers.map(',
    replace: 'const ofPrograms = [...headers, ...cookies].map(',
    tests: ['src/edge/named-sessions.test.ts'],
    breaks: 'a token that has leaked from a program is planted as a cookie',
  },
  {
    file: 'src/access/host.ts',
    find: "return authenticateHosts.get(settings) === host ? 'authenticate' : 'app'",
    replace: "return authenticateHosts.has(settings) ? 'app' : 'app'",
    tests: ['src/access/host.test.ts'],
    breaks:
      'where cookies are shared over a domain, any app of it plants who is signed in beside the sign-in pages',
  },
  {
    file: 'src/authenticate/cookies.ts',
    find: "return site.kind === 'app' ? settings : { ...settings, cookie_http_only: true }",
    replace: 'return site.kind === "app" ? settings : { ...settings }',
    tests: ['src/authenticate/sign-in.test.ts'],
    breaks: 'a script of an app on the host of the sign-in pages reads what signs in at every other app',
  },
  {
    file: 'src/xds/resources/routes/envoy-route.ts',
    find: '  signInRoute({ path: CALLBACK_PATH }, settings),\n',
    replace: '',
    tests: ['test/golden/golden.test.ts'],
    breaks: 'an app on the host of the sign-in pages is sent the codes of identity providers',
  },
  {
    file: 'src/xds/resources/routes/envoy-route.ts',
    find: "match: { prefix: '/', headers: [{ name: 'service-worker', present_match: true }] },",
    replace: "match: { path: '/', headers: [{ name: 'service-worker', present_match: true }] },",
    tests: ['test/golden/golden.test.ts'],
    breaks: 'a service worker of an app sees all sign-ins pass, and answers in the place of the sign-in page',
  },
]
