/**
 * A real Kubernetes API server behind Sallyport, asked with the real `kubectl`: RBAC judges the user, by name
 * and groups, and the service account's own power is nobody's.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { startCluster } from '../harness/kubernetes.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { startProcess } from '../harness/process.ts'
import { clientUnderTest } from '../harness/program.ts'
import { startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { openWebSocket } from '../harness/web-socket.ts'

const part = await findPart('kubernetes')

/** Commas, percent signs, quotes, blanks, colons and letters of other scripts may stand in a group's name. */
const ODD_GROUPS = ['a,b', '100%', '%41', 'say "hi"', 'org:team/ops', 'Ärzte und Ärztinnen', '船員']

const role = (name: string, rules: readonly object[]) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name },
  rules,
})

const binding = (name: string, roleName: string, subject: object) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: roleName },
  subjects: [subject],
})

const group = (name: string) => ({ kind: 'Group', name, apiGroup: 'rbac.authorization.k8s.io' })

const OBJECTS = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sallyport', namespace: 'default' } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'powerless', namespace: 'default' } },
    role('speak-for-users', [{ apiGroups: [''], resources: ['users', 'groups'], verbs: ['impersonate'] }]),
    role('read-configmaps', [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] },
    ]),
    binding('sallyport', 'speak-for-users', {
      kind: 'ServiceAccount',
      name: 'sallyport',
      namespace: 'default',
    }),
    binding('readers', 'read-configmaps', group('staff')),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'harbour', namespace: 'default' },
      data: { depth: '12' },
    },
  ],
}

describe('a Kubernetes API', skipWithout(part), async () => {
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())
  if ('missing' in part && process.env['CI'] === undefined) return
  const cluster = stop.use(await startCluster(need(part)))
  await cluster.admin(['apply'], OBJECTS)
  const tokenOf = async (name: string) => (await cluster.admin(['create', 'token', name])).trim()
  const serviceAccount = await tokenOf('sallyport')

  let tokenFile = ''
  const stack = stop.use(
    await startStack({
      hosts: ['cluster', 'named'],
      beforeServe: async ({ folder }) => {
        tokenFile = join(folder, 'service-account')
        await writeFile(tokenFile, `${serviceAccount}\n`)
        await writeFile(join(folder, 'cluster-ca.pem'), cluster.ca)
      },
      provider: {
        accounts: {
          alice: { email: 'alice@example.com', name: 'Alice', groups: ['staff', ...ODD_GROUPS] },
          bob: {
            email: 'bob@example.com',
            name: 'Bob',
            groups: ['guests', 'system:masters', ' staff', 'staff\u0000'],
          },
          several: {
            email: 'several@example.com',
            name: 'Several',
            groups: Array.from(
              { length: 500 },
              (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
            ),
          },
          many: {
            email: 'many@example.com',
            name: 'Many',
            groups: [
              ...Array.from(
                { length: 2000 },
                (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
              ),
              'staff',
            ],
          },
        },
      },
      routes: ({ url }) => [
        {
          from: url('cluster', ''),
          to: cluster.url,
          tls_custom_ca_file: 'cluster-ca.pem',
          allow_any_authenticated_user: true,
          kubernetes_service_account_token_file: 'service-account',
          pass_identity_headers: false,
        },
        {
          from: url('named', ''),
          to: cluster.url,
          tls_custom_ca_file: 'cluster-ca.pem',
          policy: { allow: { or: [{ groups: { has: 'staff' } }, { groups: { has: 'guests' } }] } },
          jwt_groups_filter: { mentioned: true, keep: ['system:masters'] },
          kubernetes_impersonate_user_claim: 'name',
          kubernetes_service_account_token_file: 'service-account',
        },
      ],
    }),
  )

  const handles = new Map<string, string>()
  async function referenceOf(login: string, host: string): Promise<string> {
    const key = `${login}@${host}`
    const known = handles.get(key)
    if (known !== undefined) return known
    const agent = stack.agent()
    await stack.signIn(agent, stack.url(host, '/version'), login)
    const cookies = agent.jar.header(new URL(stack.url(host))) ?? ''
    const handle = /_pomerium=([^;]+)/.exec(cookies)?.[1] ?? ''
    handles.set(key, handle)
    return handle
  }

  async function kubectl(login: string, args: readonly string[], host = 'cluster') {
    const token = login === '' ? 'of-somebody-else' : `Pomerium-${await referenceOf(login, host)}`
    return await cluster.kubectl({ url: stack.url(host, ''), ca: stack.ca.cert, user: { token } }, args)
  }

  const read = async () => await kubectl('alice', ['get', 'configmap', 'harbour'])

  async function whoami(login: string, args: readonly string[] = [], host = 'cluster') {
    const ran = await kubectl(login, ['auth', 'whoami', '-o', 'json', ...args], host)
    assert.equal(ran.code, 0, ran.stderr)
    const { status } = JSON.parse(ran.stdout) as {
      status: { userInfo: { username: string; groups: string[] } }
    }
    return { username: status.userInfo.username, groups: status.userInfo.groups }
  }

  it('lets RBAC allow by a group that the user is in, and forbid who is not', async () => {
    const allowed = await kubectl('alice', ['get', 'configmap', 'harbour', '-o', 'jsonpath={.data.depth}'])
    assert.deepEqual([allowed.code, allowed.stdout], [0, '12'], allowed.stderr)
    const forbidden = await kubectl('bob', ['get', 'configmap', 'harbour'])
    assert.equal(forbidden.code, 1)
    assert.match(forbidden.stderr, /User "bob@example\.com" cannot get resource "configmaps"/)
    const secrets = await kubectl('alice', ['get', 'secrets'])
    assert.match(secrets.stderr, /User "alice@example\.com" cannot list resource "secrets"/)
  })

  it('is told the name and each group for itself, whatever letters it has', async () => {
    assert.deepEqual(await whoami('alice'), {
      username: 'alice@example.com',
      groups: ['staff', ...ODD_GROUPS, 'system:authenticated'],
    })
  })

  it('is told no group of Kubernetes’ own that an identity provider made up, and none whose name would change on the way', async () => {
    assert.deepEqual(await whoami('bob'), {
      username: 'bob@example.com',
      groups: ['guests', 'system:authenticated'],
    })
  })

  it('is told such a group where the operator has written it down, and another claim as the name where asked', async () => {
    assert.deepEqual(await whoami('bob', [], 'named'), {
      username: 'Bob',
      groups: ['guests', 'system:masters', 'system:authenticated'],
    })
  })

  it('does not believe a client that names somebody else', async () => {
    const forged = ['--as=root', '--as-group=system:masters', '--as-uid=0', '--as-user-extra=scopes=all']
    const { username, groups } = await whoami('alice', forged.slice(0, 3))
    assert.deepEqual([username, groups.includes('system:masters')], ['alice@example.com', false])
    const forbidden = await kubectl('bob', ['get', 'secrets', ...forged.slice(0, 2)])
    assert.match(forbidden.stderr, /User "bob@example\.com" cannot list/)
  })

  it('is told five hundred groups, each in a header of its own', async () => {
    const { groups } = await whoami('several')
    assert.deepEqual([groups.length, new Set(groups).size, groups.at(-1)], [501, 501, 'system:authenticated'])
  })

  it('works for somebody with two thousand groups', async () => {
    const { username, groups } = await whoami('many')
    assert.deepEqual([username, groups], ['many@example.com', ['system:authenticated']])
    assert.deepEqual((await whoami('many', [], 'named')).groups, ['staff', 'system:authenticated'])
    const warning = await stack.sallyport.waitForLog('that groups were left out', ({ msg = '' }) =>
      msg.includes('groups were left out'),
    )
    assert.deepEqual([warning?.['groups'], warning?.['removed-groups-count']], [2001, 2001])
  })

  it('is watched over a WebSocket', async () => {
    const { signal, names } = { signal: AbortSignal.timeout(10_000), names: [] as string[] }
    const socket = await openWebSocket({
      url: stack.url('cluster', '/api/v1/namespaces/default/configmaps?watch=1'),
      ca: stack.ca.cert,
      headers: {
        authorization: `Bearer Pomerium-${await referenceOf('alice', 'cluster')}`,
        origin: stack.url('cluster', ''),
      },
    })
    socket.on('message', (data: Buffer) => {
      const event = JSON.parse(data.toString()) as { object: { metadata: { name: string } } }
      names.push(event.object.metadata.name)
    })
    await cluster.admin(['create', 'configmap', 'tide'])
    await until(() => signal.aborted || names.includes('tide'), { what: 'the event', withinMs: 10_000 })
    socket.terminate()
  })

  it('lets an upgrade to SPDY through, as kubectl exec asks for', async () => {
    const ran = await kubectl('alice', ['exec', 'no-such-pod', '--', 'true'])
    assert.match(ran.stderr, /User "alice@example\.com" cannot get resource "pods"/)
    const { status, text } = await request({
      url: stack.url('cluster', '/api/v1/namespaces/default/pods/no-such-pod/exec?command=true'),
      method: 'POST',
      ca: stack.ca.cert,
      version: '1.1',
      headers: {
        connection: 'Upgrade',
        upgrade: 'SPDY/3.1',
        authorization: `Bearer Pomerium-${await referenceOf('alice', 'cluster')}`,
      },
    })
    assert.equal(status, 403, text)
    assert.match(text, /cannot create resource \\"pods\/exec\\"/)
  })

  it('answers kubectl in its own words when nobody is signed in, and never lets a stranger in', async () => {
    const ran = await kubectl('', ['get', 'configmaps'])
    assert.equal(ran.code, 1)
    assert.match(ran.stderr, /Unauthorized|logged in/)
    for (const authorization of ['', `Bearer ${serviceAccount}`]) {
      const headers = { accept: 'application/json', authorization }
      const { status } = await request({ url: stack.url('cluster', '/version'), ca: stack.ca.cert, headers })
      assert.equal(status, 401)
    }
  })

  it('is asked with the token that is in the file now', async () => {
    assert.equal((await read()).code, 0)
    await writeFile(tokenFile, await tokenOf('powerless'))
    await until(async () => /powerless.*cannot impersonate/.test((await read()).stderr), {
      what: 'the other token to be used',
      withinMs: 10_000,
    })
    await writeFile(tokenFile, serviceAccount)
    await until(async () => (await read()).code === 0, {
      what: 'the token to be used again',
      withinMs: 10_000,
    })
  })

  it('is reached by kubectl with the credentials that a sign-in by a browser gives', async () => {
    const caFile = join(stack.folder, 'tls', 'ca.pem')
    const env = {
      SALLYPORT_CACHE_DIR: join(stack.folder, 'cache'),
      DISPLAY: undefined,
      WAYLAND_DISPLAY: undefined,
    }
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', spec: { interactive: false } }
    const plugin = clientUnderTest([
      'kubernetes',
      'exec-credential',
      stack.url('cluster', ''),
      '--alternate-ca-path',
      caFile,
    ])
    await using child = startProcess({
      ...plugin,
      env: { ...env, KUBERNETES_EXEC_INFO: JSON.stringify(exec) },
    })
    const [page = ''] = await child.waitForLine(/^https:\/\/\S+$/)
    await stack.signIn(stack.agent(), page)
    assert.equal((await child.exited).code, 0)
    const user = {
      exec: {
        apiVersion: exec.apiVersion,
        command: plugin.command,
        args: plugin.args,
        env: [{ name: 'SALLYPORT_CACHE_DIR', value: env.SALLYPORT_CACHE_DIR }],
        interactiveMode: 'IfAvailable',
      },
    }
    const target = { url: stack.url('cluster', ''), ca: stack.ca.cert, user }
    const ran = await cluster.kubectl(target, ['get', 'configmap', 'harbour', '-o', 'jsonpath={.data.depth}'])
    assert.deepEqual([ran.code, ran.stdout], [0, '12'], ran.stderr)
  })

  it('leaves no token in the log', () => {
    const lines = stack.sallyport.process.lines.join('\n')
    assert.ok(!lines.includes(serviceAccount.slice(-40)))
  })
})
