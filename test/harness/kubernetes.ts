/**
 * A real Kubernetes API server with its store and its client: no nodes, no pods, all of authentication and
 * RBAC.
 *
 * @module
 */
import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from './http-client.ts'
import { startLoopbackNames } from './loopback-names.ts'
import { freePorts, tempDir } from './ports.ts'
import { type Exit, type RunningProcess, runToEnd, startProcess } from './process.ts'
import { createTestCa, writeKeyPair } from './test-ca.ts'
import { until } from './until.ts'

export interface Cluster extends AsyncDisposable {
  readonly url: string
  /** PEM. */
  readonly ca: string
  /** Path of the administrator's file, for other programs. */
  readonly kubeconfig: string
  /** Runs `kubectl` as the administrator, directly. @throws when it fails */
  admin(args: readonly string[], manifest?: object): Promise<string>
  /** Runs `kubectl` against another server, which is looked for on this machine whatever its name. */
  kubectl(
    server: { readonly url: string; readonly ca: string; readonly user: object },
    args: readonly string[],
  ): Promise<Exit & { readonly stdout: string; readonly stderr: string }>
}

const ADMIN_TOKEN = 'administrator'

/** @param folder from `parts.kubernetes()` */
export async function startCluster(folder: string): Promise<Cluster> {
  await using starting = new AsyncDisposableStack()
  const { path: home } = starting.use(await tempDir('k8s'))
  const [port = 0, storePort = 0, peerPort = 0] = await freePorts(3)
  const ca = await createTestCa('Cluster test CA')
  const { certFile, keyFile } = await writeKeyPair(
    home,
    'server',
    await ca.issue({ names: ['localhost', '127.0.0.1'] }),
  )
  const signing = join(home, 'service-accounts.pem')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  await writeFile(signing, privateKey.export({ type: 'pkcs1', format: 'pem' }))
  await writeFile(join(home, 'tokens.csv'), `${ADMIN_TOKEN},admin,admin,system:masters\n`)

  const store = `http://127.0.0.1:${storePort}`
  const peer = `http://127.0.0.1:${peerPort}`
  const run = (command: string, args: readonly string[]): RunningProcess => {
    const child = startProcess({ name: command, command: join(folder, command), args, cwd: home })
    starting.defer(async () => {
      await child.stop(4_000)
    })
    return child
  }
  run('etcd', [
    `--data-dir=${join(home, 'store')}`,
    `--listen-client-urls=${store}`,
    `--advertise-client-urls=${store}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=error',
  ])
  const server = run('kube-apiserver', [
    `--etcd-servers=${store}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${certFile}`,
    `--tls-private-key-file=${keyFile}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-signing-key-file=${signing}`,
    `--service-account-key-file=${signing}`,
    '--authorization-mode=RBAC',
    `--token-auth-file=${join(home, 'tokens.csv')}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    '--disable-admission-plugins=ServiceAccount',
  ])
  const url = `https://localhost:${port}`
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
  await until(
    async () => {
      if (server.exit !== undefined) throw new Error(server.lines.slice(-10).join('\n'))
      return (await request({ url: `${url}/readyz`, ca: ca.cert, headers, withinMs: 2_000 })).status === 200
    },
    { what: 'the API server to be ready', withinMs: 90_000, everyMs: 200 },
  )
  const proxyUrl = starting.use(await startLoopbackNames()).url

  let runs = 0
  const kubectl = async (
    target: { url: string; ca: string; user: object; proxy?: string },
    args: readonly string[],
  ) => {
    const file = join(home, `kubeconfig-${(runs += 1)}.json`)
    await writeFile(file, JSON.stringify(kubeconfig(target)))
    return await runToEnd({
      command: join(folder, 'kubectl'),
      args: ['--kubeconfig', file, '--cache-dir', join(home, 'cache'), ...args],
      cwd: home,
      env: { HOME: home },
      withinMs: 30_000,
    })
  }
  const adminFile = join(home, 'kubeconfig.json')
  await writeFile(adminFile, JSON.stringify(kubeconfig({ url, ca: ca.cert, user: { token: ADMIN_TOKEN } })))
  const running = starting.move()
  return {
    url,
    ca: ca.cert,
    kubeconfig: adminFile,
    async admin(args, manifest) {
      const file = join(home, 'manifest.json')
      if (manifest !== undefined) await writeFile(file, JSON.stringify(manifest))
      const target = { url, ca: ca.cert, user: { token: ADMIN_TOKEN } }
      const ran = await kubectl(target, manifest === undefined ? args : [...args, '-f', file])
      if (ran.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${ran.stderr}`)
      return ran.stdout
    },
    kubectl: (target, args) => kubectl({ ...target, proxy: proxyUrl }, args),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function kubeconfig(target: { url: string; ca: string; user: object; proxy?: string }): object {
  const cluster = {
    server: target.url,
    'certificate-authority-data': Buffer.from(target.ca).toString('base64'),
    ...(target.proxy !== undefined && { 'proxy-url': target.proxy }),
  }
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'default' } }],
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user: target.user }],
  }
}
