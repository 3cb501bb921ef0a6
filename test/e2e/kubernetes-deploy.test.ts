/**
 * The manifests and the chart of `deploy/`, as a real API server takes them: each field known, the pod within what
 * the strictest policy for pods allows. No node is there to run it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { parse, stringify } from 'yaml'
import { type Cluster, startCluster } from '../harness/kubernetes.ts'
import {
  CHART,
  DEPLOY,
  MANIFESTS,
  type Manifest,
  manifestsOf,
  named,
  podOf,
  read,
} from '../harness/manifests.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { runToEnd } from '../harness/process.ts'

const [kubernetes, helm] = await Promise.all([findPart('kubernetes'), findPart('helm')])

describe('a Kubernetes API server', skipWithout(kubernetes), async () => {
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())
  if ('missing' in kubernetes && process.env['CI'] === undefined) return
  const cluster = stop.use(await startCluster(need(kubernetes)))
  const strictly = ['--dry-run=server', '--validate=strict']

  it('takes deploy/kubernetes as kustomize puts it together, without a warning', async () => {
    await cluster.admin(['apply', '-f', join(DEPLOY, 'kubernetes', 'namespace.yaml')])
    const whole = await cluster.admin(['kustomize', join(DEPLOY, 'kubernetes')])
    assert.match(whole, /idp_client_secret: RklMTC1JTg==/)
    const said = await cluster.admin(['apply', ...strictly], list(manifestsOf(whole)))
    for (const kind of [
      'deployment.apps',
      'service',
      'networkpolicy.networking.k8s.io',
      'poddisruptionbudget.policy',
    ])
      assert.match(said, new RegExp(`${kind}/sallyport (?:created|configured)`))
    assert.doesNotMatch(said, /[Ww]arning/)
  })

  it('lets the pod in where only restricted pods may run, and a copy that asks for more is refused', async () => {
    const manifests = manifestsOf(await cluster.admin(['kustomize', join(DEPLOY, 'kubernetes')]))
    await cluster.admin(['create', ...strictly], podOf(manifests))
    for (const part of ['containers', 'initContainers'] as const) {
      const pod = podOf(manifests)
      const [container] = pod.spec[part]
      assert.ok(container)
      container.securityContext['allowPrivilegeEscalation'] = true
      await assert.rejects(cluster.admin(['create', ...strictly], pod), /violates PodSecurity "restricted/)
    }
  })

  it('loses only the UDP port of a Service by a server-side apply without it', async () => {
    const service = named(manifestsOf(read(MANIFESTS)), 'Service')
    const ports = service?.spec?.ports ?? []
    const ask = ['get', 'service', 'applied', '-o', 'jsonpath={.spec.ports[*].name}']
    for (const kept of [ports, ports.filter(({ protocol }) => protocol !== 'UDP')]) {
      const spec = { ...service?.spec, ports: kept }
      await cluster.admin(['apply', '--server-side'], { ...service, metadata: { name: 'applied' }, spec })
      assert.equal(await cluster.admin(ask), kept.map(({ name }) => name).join(' '))
    }
    assert.equal(ports.length, 3)
  })

  it('refuses a field that is misspelt, so that the checks above mean something', async () => {
    const pod = podOf(manifestsOf(read(MANIFESTS)))
    const [container] = pod.spec.containers
    assert.ok(container)
    container['readynessProbe'] = container['readinessProbe']
    await assert.rejects(
      cluster.admin(['create', ...strictly], pod),
      /unknown field "spec\.containers\[0\]\.readynessProbe"/,
    )
  })

  describe('the Helm chart', skipWithout(helm), () => chartTests(cluster, strictly))
})

function list(items: readonly Manifest[]): object {
  return { apiVersion: 'v1', kind: 'List', items }
}

function chartTests(cluster: Cluster, strictly: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'chart-'))
  after(() => rmSync(folder, { recursive: true }))
  const EXAMPLE = join(CHART, 'ci', 'example-values.yaml')

  /** Helm that was built of its module believes in a Kubernetes of long ago, unless it is told. */
  const template = async (values: object = {}, chart = CHART) => {
    const file = join(folder, 'values.yaml')
    writeFileSync(file, stringify(values))
    const about = ['sallyport', chart, '--namespace', 'sallyport', '--kube-version', '1.34.2']
    const args = ['template', ...about, '--values', EXAMPLE, '--values', file]
    return await runToEnd({ command: need(helm), args, env: { HOME: folder } })
  }
  const rendered = async (values: object = {}, chart = CHART): Promise<Manifest[]> => {
    const { code, stdout, stderr } = await template(values, chart)
    assert.equal(code, 0, stderr)
    return manifestsOf(stdout)
  }

  it('renders the manifests of deploy/kubernetes', async () => {
    const { stdout } = await template()
    const text = `# Made of deploy/helm/sallyport: UPDATE_GOLDEN=1 node --test test/e2e/kubernetes-deploy.test.ts\n${stdout
      .replaceAll(/^# Source: .*\n/gm, '')
      .replaceAll(/^ *(?:helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm, '')}\n`
    if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(MANIFESTS, text)
    assert.equal(read(MANIFESTS), text)
  })

  const SETTINGS: Readonly<Record<string, object>> = {
    'as it comes': {},
    'with certificates, secrets of its own and a token': {
      tls: { secrets: ['example-com', 'star.example.org'] },
      secret: { existing: '', files: { idp_client_secret: 'secret', other: 'a: "b"\n' } },
      serviceAccount: { mountToken: true },
      imagePullSecrets: [{ name: 'registry' }],
      nodeSelector: { 'kubernetes.io/arch': 'amd64' },
      tolerations: [{ operator: 'Exists' }],
      podAnnotations: { 'example.com/a': 'b' },
    },
    'without what can be left out': {
      service: { http3: false, type: 'ClusterIP' },
      persistence: { enabled: false },
      networkPolicy: { enabled: false },
      podDisruptionBudget: { enabled: false },
      secret: { existing: '' },
    },
    'with a user that the cluster chooses': { user: null },
    'with a closed network and a claim that is there': {
      networkPolicy: {
        metricsFrom: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }],
        egress: [{ ports: [{ port: 443 }] }],
      },
      persistence: { existingClaim: 'state' },
      service: { type: 'NodePort', annotations: { a: 'b' } },
    },
  }
  for (const [what, values] of Object.entries(SETTINGS))
    it(`is accepted ${what}`, async () => {
      const manifests = await rendered(values)
      await cluster.admin(['apply', '--namespace', 'sallyport', ...strictly], list(manifests))
      await cluster.admin(['create', ...strictly], podOf(manifests))
    })

  for (const http3 of [true, false])
    it(`${http3 ? 'has' : 'leaves out'} the UDP port of the Service with service.http3 ${http3}`, async () => {
      const spec = JSON.stringify(named(await rendered({ service: { http3 } }), 'Service')?.spec)
      assert.equal(spec.includes('"protocol":"UDP"'), http3)
    })

  it('writes the certificates of Secrets into the configuration', async () => {
    const manifests = await rendered({ tls: { secrets: ['example-com'] } })
    const config = named(manifests, 'ConfigMap', 'sallyport-config')?.data?.['config.yaml'] ?? ''
    assert.deepEqual((parse(config) as { certificates: unknown }).certificates, [
      { cert: '/etc/sallyport/tls/example-com/tls.crt', key: '/etc/sallyport/tls/example-com/tls.key' },
    ])
  })

  const MISTAKES: readonly (readonly [values: object, said: RegExp])[] = [
    [{ serivce: { http3: false } }, /serivce/],
    [{ service: { htpp3: false } }, /htpp3/],
    [{ service: { http3: 'perhaps' } }, /service\/http3|service\.http3/],
    [{ replicas: 2 }, /replicas/],
    [{ user: 0 }, /user/],
    [{ config: { routes: 'none' } }, /config\/routes|config\.routes/],
    [{ config: { authenticate_service_url: null } }, /authenticate_service_url/],
    [{ config: { address: ':443' } }, /config\.address is the chart's to set/],
    [
      { config: { idp_client_secret: 'x' } },
      /config\.idp_client_secret would stand in a ConfigMap.*idp_client_secret_file/,
    ],
    [{ secret: { files: { a: 'b' } } }, /secret\.existing and secret\.files are both set/],
  ]
  for (const [values, said] of MISTAKES)
    it(`names the mistake in ${JSON.stringify(values)}`, async () => {
      const { code, stderr } = await template(values)
      assert.notEqual(code, 0)
      assert.match(stderr, said)
    })

  it('is installed, upgraded and removed, and its state outlives it', async () => {
    // The server of the tests says that it is of version 0.0.0.
    const copy = join(folder, 'any-version')
    cpSync(CHART, copy, { recursive: true })
    const about = join(copy, 'Chart.yaml')
    writeFileSync(about, read(about).replace(/^kubeVersion:.*$/m, ''))
    const tryTo = async (...args: readonly string[]) => {
      const env = { HOME: folder, KUBECONFIG: cluster.kubeconfig }
      return await runToEnd({ command: need(helm), args: [...args, '--namespace', 'sallyport'], env })
    }
    const run = async (...args: readonly string[]) => {
      const ran = await tryTo(...args)
      assert.equal(ran.code, 0, ran.stderr)
      return ran.stdout
    }
    const notes = await run('install', 'sallyport', copy, '--values', EXAMPLE)
    assert.match(notes, /https:\/\/authenticate\.example\.com\/oauth2\/callback/)
    assert.match(notes, /^ {2}https:\/\/app\.example\.com$/m)
    await run('upgrade', 'sallyport', copy, '--values', EXAMPLE, '--set', 'podAnnotations.a=b')
    const service = ['service', 'sallyport', '--namespace', 'sallyport']
    const ports = async () => await cluster.admin(['get', ...service, '-o', 'jsonpath={.spec.ports[*].name}'])
    assert.equal(await ports(), 'https http3 http')

    // A patch would take TCP 443 away with UDP 443.
    const withoutUdp = ['upgrade', 'sallyport', copy, '--values', EXAMPLE, '--set', 'service.http3=false']
    const refused = await tryTo(...withoutUdp)
    assert.match(
      refused.stderr,
      /service\.http3 can't be switched.*kubectl --namespace sallyport delete service sallyport/,
    )
    assert.equal(await ports(), 'https http3 http')
    await cluster.admin(['delete', ...service])
    await run(...withoutUdp)
    assert.equal(await ports(), 'https http')
    await run('uninstall', 'sallyport')
    const left = await cluster.admin([
      'get',
      'deployment,service,pvc',
      '--namespace',
      'sallyport',
      '-o',
      'name',
    ])
    assert.equal(left.trim(), 'persistentvolumeclaim/sallyport')
  })

  it('passes its linter, and is packed and rendered again', async () => {
    const run = async (...args: readonly string[]) => {
      const ran = await runToEnd({ command: need(helm), args, env: { HOME: folder } })
      assert.equal(ran.code, 0, `${ran.stdout}\n${ran.stderr}`)
      return ran.stdout
    }
    assert.match(
      await run('lint', '--strict', '--kube-version', '1.34.2', CHART, '--values', EXAMPLE),
      /0 chart\(s\) failed/,
    )
    const copy = join(folder, 'sallyport')
    cpSync(CHART, copy, { recursive: true })
    const packed = /saved it to: (\S+)/.exec(await run('package', copy, '--destination', folder))?.[1] ?? ''
    assert.equal((await rendered({}, packed)).length, (await rendered()).length)
  })
}
