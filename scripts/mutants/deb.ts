import type { Mutant } from './mutant.ts'

const RUN_DIR = ['envoy/bootstrap.test.ts']
const PASSED = ['src/transport/passed-sockets.test.ts']

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
  {
    file: 'src/transport/passed-sockets.ts',
    find: '(mode & 0o002) !== 0',
    replace: '(mode & 0o002) === -1',
    tests: PASSED,
    breaks: 'any user of the machine reads private keys of certificates from the socket of xDS',
  },
  {
    file: 'src/transport/passed-sockets.ts',
    find: 'LISTEN_PID !== String(pid) || ',
    replace: '',
    tests: PASSED,
    breaks: 'descriptors of something else, which a parent process had, are taken for sockets of Envoy',
  },
  {
    file: 'src/transport/passed-sockets.ts',
    find: 'FIRST_DESCRIPTOR + names.indexOf(name)',
    replace: 'FIRST_DESCRIPTOR + wanted.indexOf(name)',
    tests: PASSED,
    breaks: 'checks are answered by what serves pages, in whatever order the manager has started the sockets',
  },
  {
    file: 'packaging/debian/sallyport-xds.socket',
    find: 'SocketMode=0660',
    replace: 'SocketMode=0666',
    tests: ['build/debian.test.ts'],
    breaks: 'any user of the machine reads private keys of certificates from the socket of xDS',
  },
  {
    file: 'packaging/debian/sallyport.service',
    find: 'CapabilityBoundingSet=\n',
    replace: 'CapabilityBoundingSet=CAP_NET_ADMIN\n',
    tests: ['build/debian.test.ts'],
    breaks: 'who takes over Sallyport has rights of root over the network of the machine',
  },
  {
    file: 'packaging/debian/preinst',
    find: '"$found" -gt "$SCHEMA"',
    replace: '"$found" -gt 999',
    tests: ['build/debian.test.ts'],
    breaks: 'an older version is installed over a state that it can not read, and nobody can sign in',
  },
]
