import type { Mutant } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/authenticate/pipeline.ts',
    find: "  protects(checkSameOrigin,                  'SIGN_OUT', 'CLEAR_COOKIES'),",
    replace: "  protects(checkSameOrigin,                  'SIGN_OUT'),",
    tests: ['src/authenticate/clear-cookies.test.ts'],
    breaks: 'any site can clear the cookies of whoever visits it, and so sign them out of everything',
  },
  {
    file: 'src/authenticate/pages/clear-cookies.ts',
    find: "  if (visit.request.method !== 'POST') return question(visit)\n",
    replace: '',
    tests: ['src/authenticate/clear-cookies.test.ts'],
    breaks: 'a link or an image on any site clears the cookies of whoever opens it',
  },
  {
    file: 'src/config/values/secret-headers.ts',
    find: '|cookie|authorization|',
    replace: '|^cookie$|^authorization$|',
    tests: ['src/config/values/secret-headers.test.ts'],
    breaks: 'tokens for the platform of an app are written into the access log',
  },
  {
    file: 'src/xds/resources/routes/requested-path.ts',
    find: "'%PATH(NQ:PATH)%'",
    replace: "'%PATH(WQ:PATH)%'",
    tests: ['test/golden/golden.test.ts'],
    breaks: 'secrets in queries are written into the access log',
  },
  {
    file: 'src/edge/client-network.ts',
    find: '  [0x64, 0xff9b, 0, 0, 0, 0],\n',
    replace: '',
    tests: ['src/edge/client-network.test.ts'],
    breaks: 'one stranger behind a translator takes the share and the allowance of all of IPv4',
  },
]
