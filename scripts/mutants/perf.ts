import type { Mutant } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/xds/resources/kept-resources.ts',
    find: 'made.routes.length === routes.length &&',
    replace: 'made.routes.length >= routes.length &&',
    tests: ['src/xds/resources/kept-resources.test.ts'],
    breaks: 'a route that was taken out of the file goes on answering at the edge',
  },
  {
    file: 'src/xds/resources/kept-resources.ts',
    find: 'made.routes[index] === firstOf(route) && made.clusters',
    replace: 'made.clusters',
    tests: ['src/xds/resources/kept-resources.test.ts'],
    breaks: 'another route of the same host takes the place of the one that was there, with its policy',
  },
  {
    file: 'src/xds/resources/kept-resources.ts',
    find: ' && made.clusters[index] === clusters.get(route)',
    replace: '',
    tests: ['src/xds/resources/kept-resources.test.ts'],
    breaks: 'requests of one route go to the upstream of its twin',
  },
  {
    file: 'src/xds/resources/kept-resources.ts',
    find: 'let byRoute = this.#bySettings.get(settings)',
    replace: 'let byRoute = this.#bySettings.get((globalThis.first ??= settings))',
    tests: ['src/xds/resources/kept-resources.test.ts'],
    breaks: 'a changed setting, such as a header or a time limit, reaches no route that stayed the same',
  },
  {
    file: 'src/config/file/config-parcel.ts',
    find: 'if (this.#settings?.digest === digest)',
    replace: 'if (this.#settings !== undefined)',
    tests: ['src/config/file/thread-parser.test.ts'],
    breaks: 'a changed setting or secret never comes into force',
  },
  {
    file: 'src/config/file/parse-memory.ts',
    find: 'before !== undefined && isDeepStrictEqual(before, entry)',
    replace: 'before !== undefined',
    tests: ['src/config/file/yaml-items.test.ts'],
    breaks: 'a value that JSON can not tell from the old one, such as `.inf` for `null`, is never looked at',
  },
  {
    file: 'src/config/file/file-parser.ts',
    find: 'if (bytesLeft < 0) throw new TooLong()\n    if (',
    replace: 'if (',
    tests: ['src/config/file/thread-parser.test.ts'],
    breaks: 'a long revocation list is told to be unreadable, or holds up every request while it is parsed',
  },
  {
    file: 'src/crypto/x509/revocation-list.ts',
    find: 'if (latest !== undefined && latest.pem === pem)',
    replace: 'if (latest !== undefined)',
    tests: [
      'src/config/keys/credentials/client-certificates.test.ts',
      'src/access/credentials/client-certificate/verifier.test.ts',
    ],
    breaks: 'a new revocation list never counts',
  },
]
