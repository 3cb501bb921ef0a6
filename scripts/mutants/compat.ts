/** Keys of other proxies: what they may not open. */
import type { Mutant } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/identity/openid/openid-provider.ts',
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
]
