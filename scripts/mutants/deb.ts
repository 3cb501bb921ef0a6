import type { Mutant } from './mutant.ts'

const RUN_DIR = ['envoy/bootstrap.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'envoy/run-dir.ts',
    find: '(mode & 0o002) !== 0',
    replace: '(mode & 0o002) === -1',
    tests: RUN_DIR,
    breaks: 'any user of the machine puts a socket in the place of ours, and answers the checks of Envoy',
  },
  {
    file: 'envoy/run-dir.ts',
    find: 'uid !== ourUser && uid !== 0',
    replace: 'uid !== ourUser && uid === 0',
    tests: RUN_DIR,
    breaks: 'the owner of a folder that --run-dir names answers the checks of Envoy',
  },
  {
    file: 'envoy/run-dir.ts',
    find: '(mode & 0o020) !== 0 && gid !== ourGroup',
    replace: '(mode & 0o020) !== 0 && gid === -1',
    tests: RUN_DIR,
    breaks: 'members of a group that is not ours answer the checks of Envoy',
  },
]
