import type { Mutant } from './mutant.ts'

const COMPOSE = ['envoy/compose.test.ts']
const DEPLOY = ['test/deploy.test.ts']
const MANIFESTS = 'deploy/kubernetes/sallyport.yaml'

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'Dockerfile',
    find: 'USER 65532:65532',
    replace: 'USER 0:0',
    tests: COMPOSE,
    breaks: 'whoever breaks into Sallyport is root in its container',
  },
  {
    file: 'docker-compose.yml',
    find: '  cap_drop: [ALL]\n',
    replace: '',
    tests: COMPOSE,
    breaks: 'whoever breaks into a container may make raw packets and change owners of files',
  },
  {
    file: 'docker-compose.yml',
    find: '  security_opt: [no-new-privileges:true]\n',
    replace: '',
    tests: COMPOSE,
    breaks: 'a setuid program of the image makes its caller root',
  },
  {
    file: 'docker-compose.yml',
    find: '  read_only: true\n',
    replace: '',
    tests: COMPOSE,
    breaks: 'whoever breaks into a container leaves programs of their own there',
  },
  {
    file: 'docker-compose.yml',
    find: '- 127.0.0.1:8443:8443\n',
    replace: '- 8443:8443\n',
    tests: COMPOSE,
    breaks: 'everybody in the network signs in to the demo, which asks for no password',
  },
  {
    file: 'docker-compose.yml',
    find: 'mode=0700',
    replace: 'mode=0777',
    tests: COMPOSE,
    breaks: 'another user puts a socket in the place of the one that Envoy asks who may',
  },
  {
    file: 'src/cli/init/compose-yaml.ts',
    find: '  cap_drop: [ALL]\n',
    replace: '',
    tests: COMPOSE,
    breaks: 'whoever breaks into a container may make raw packets and change owners of files',
  },
  {
    file: 'src/cli/init/compose-yaml.ts',
    find: '  read_only: true\n',
    replace: '',
    tests: COMPOSE,
    breaks: 'whoever breaks into a container leaves programs of their own there',
  },
  {
    file: 'src/cli/init/compose-yaml.ts',
    find: 'mode=0700',
    replace: 'mode=0777',
    tests: COMPOSE,
    breaks: 'another user puts a socket in the place of the one that Envoy asks who may',
  },
  {
    file: MANIFESTS,
    find: 'allowPrivilegeEscalation: false',
    replace: 'allowPrivilegeEscalation: true',
    tests: DEPLOY,
    breaks: 'a setuid program of the image makes its caller root',
  },
  {
    file: MANIFESTS,
    find: 'runAsNonRoot: true',
    replace: 'runAsNonRoot: false',
    tests: DEPLOY,
    breaks: 'an image that runs as root is started as root',
  },
  {
    file: MANIFESTS,
    find: '      automountServiceAccountToken: false\n      enableServiceLinks',
    replace: '      automountServiceAccountToken: true\n      enableServiceLinks',
    tests: DEPLOY,
    breaks: 'whoever breaks into the pod speaks to the API server as it',
  },
  {
    file: MANIFESTS,
    find: '--run-dir=/run/sallyport',
    replace: '--run-dir=/run',
    tests: DEPLOY,
    breaks: 'the sockets lie in a folder that a whole group may write to',
  },
  {
    file: MANIFESTS,
    find: 'type: Recreate',
    replace: 'type: RollingUpdate',
    tests: DEPLOY,
    breaks: 'two pods write one database at each update, and a sign-out of the one is lost to the other',
  },
  {
    file: MANIFESTS,
    find: '        - { port: http, protocol: TCP }\n',
    replace: '        - { port: http, protocol: TCP }\n        - { port: metrics, protocol: TCP }\n',
    tests: DEPLOY,
    breaks: 'each pod of the cluster reads names of routes and numbers of people from /metrics',
  },
]
