/**
 * The manifests of `deploy/`, as far as they can be judged without a cluster. A real API server takes them in
 * `test/e2e/kubernetes-deploy.test.ts`.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { CHECKS_AND_TESTS } from '../src/access/config-checks.ts'
import { parseConfig } from '../src/config/parse.ts'
import { CHART, DEPLOY, MANIFESTS, manifestsOf, named, podOf, read } from './harness/manifests.ts'

const manifests = manifestsOf(read(MANIFESTS))

describe('the files of deploy/', () => {
  it('have the bootstrap that Envoy needs, and a configuration without mistakes', () => {
    const bootstrap = join(DEPLOY, '..', 'envoy', 'bootstrap.yaml')
    const copy = join(CHART, 'files', 'bootstrap.yaml')
    if (process.env['UPDATE_GOLDEN'] !== undefined) copyFileSync(bootstrap, copy)
    assert.equal(read(copy), read(bootstrap))
    for (const text of [
      read(join(DEPLOY, 'kubernetes', 'config.yaml')),
      named(manifestsOf(read(MANIFESTS)), 'ConfigMap', 'sallyport-config')?.data?.['config.yaml'] ?? '',
    ]) {
      const result = parseConfig(text, {
        file: 'config.yaml',
        readFile: () => 'text',
        env: {},
        generation: 1,
        ...CHECKS_AND_TESTS,
      })
      assert.deepEqual('problems' in result ? result.problems : [], [])
    }
  })

  it('name the versions that this is', () => {
    const { version } = JSON.parse(read(join(DEPLOY, '..', 'package.json'))) as { version: string }
    const chart = parse(read(join(CHART, 'Chart.yaml'))) as { appVersion: string }
    const kustomization = parse(read(join(DEPLOY, 'kubernetes', 'kustomization.yaml'))) as {
      images: { newTag: string }[]
    }
    assert.deepEqual([chart.appVersion, kustomization.images[0]?.newTag], [version, version])
    const compose = read(join(DEPLOY, '..', 'docker-compose.yml'))
    const image = named(manifestsOf(read(MANIFESTS)), 'Deployment')?.spec?.template?.spec.containers[0]?.[
      'image'
    ]
    assert.ok(compose.includes(`image: ${String(image)}\n`), String(image))
  })

  it('run nothing as root, with rights that it does not need, or on a file system that can be written', () => {
    const { spec } = podOf(manifests)
    assert.equal(spec.automountServiceAccountToken, false)
    assert.deepEqual(
      [spec.securityContext['runAsNonRoot'], spec.securityContext['runAsUser']],
      [true, 65_532],
    )
    for (const { name, securityContext } of [...spec.initContainers, ...spec.containers])
      assert.deepEqual(
        securityContext,
        {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        name,
      )
  })

  it('have the sockets in memory, in a folder that Sallyport makes for itself there', () => {
    const { spec } = podOf(manifests)
    const [sallyport] = spec.initContainers
    const [envoy] = spec.containers
    for (const container of [sallyport, envoy])
      assert.equal(container?.volumeMounts.find(({ name }) => name === 'run')?.mountPath, '/run')
    assert.equal(spec.volumes.find(({ name }) => name === 'run')?.emptyDir?.medium, 'Memory')
    // Kubernetes lets all of a group write to the volume itself.
    assert.ok(sallyport?.args.includes('--run-dir=/run/sallyport'))
    assert.ok(sallyport?.args.includes('--state-dir=/var/lib/sallyport/state'))
    assert.match(read(join(CHART, 'files', 'bootstrap.yaml')), /path: \/run\/sallyport\/xds\.sock/)
  })

  it('never run two pods on one database', () => {
    const spec = named(manifests, 'Deployment')?.spec
    assert.deepEqual([spec?.replicas, spec?.strategy?.type], [1, 'Recreate'])
    assert.match(read(MANIFESTS), /accessModes: \[ReadWriteOncePod\]/)
  })

  it('mount folders whole, so that renewed files arrive, and open no port but those of the proxy', () => {
    const { spec } = podOf(manifests)
    for (const { volumeMounts } of [...spec.initContainers, ...spec.containers])
      assert.ok(volumeMounts.every(({ subPath }) => subPath === undefined))
    const open = named(manifests, 'NetworkPolicy')?.spec?.ingress?.flatMap(({ ports }) => ports)
    assert.deepEqual(
      open?.map(({ port }) => port),
      ['https', 'http3', 'http'],
    )
  })
})
