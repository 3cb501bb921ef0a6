/**
 * `npm run test:docker`: the container image and the compose set-ups on a real Docker engine of one's own.
 *
 * Wants root on a Debian-like Linux, but no Docker: the engine is a part of the tests. It runs in namespaces, so
 * that nothing collides with what else listens here, and nothing is left when it ends, however it ends.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { startEngine } from '../harness/docker-engine.ts'
import { findPart, need } from '../harness/parts.ts'
import { buildImages, DATA } from './images.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const NAMESPACES = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc']

/** Two engines can't share one folder of images: a second run waits for the first. */
function inNamespaces(namespaces: readonly string[], command: readonly string[]): void {
  const args = [`${DATA}.lock`, 'unshare', ...namespaces, ...command]
  const { status } = spawnSync('flock', args, { stdio: 'inherit', cwd: ROOT })
  if (status !== 0) process.exit(status ?? 1)
}

if (process.argv[2] === 'build') await build()
else {
  const { status } = spawnSync(
    process.execPath,
    [
      join(import.meta.dirname, '..', 'harness', 'prepare.ts'),
      'envoy',
      'compose',
      'bare-debian',
      'docker-engine',
    ],
    { stdio: 'inherit', env: { ...process.env, SALLYPORT_SLOW_PARTS: '1' } },
  )
  if (status !== 0) process.exit(status ?? 1)
  inNamespaces(NAMESPACES, [process.execPath, import.meta.filename, 'build'])
  const named = process.argv.slice(2)
  const files = named.length > 0 ? named : globSync('test/docker/*.test.ts', { cwd: ROOT })
  const isTest = files.every((file) => file.endsWith('.test.ts'))
  const test = isTest ? ['--test', '--test-concurrency=1', '--test-timeout=300000'] : []
  // A network of its own: ports that are published here are free.
  inNamespaces(
    ['--net', ...NAMESPACES],
    ['sh', '-c', 'ip link set lo up && exec "$@"', 'sh', process.execPath, ...test, ...files],
  )
}

/** With the network of this machine, which packages come from. */
async function build(): Promise<void> {
  const [engine, compose, debian] = await Promise.all(
    (['docker-engine', 'compose', 'bare-debian'] as const).map(async (part) => need(await findPart(part))),
  )
  await using docker = await startEngine({
    engine: engine ?? '',
    compose: compose ?? '',
    data: DATA,
    hasBridge: false,
  })
  await buildImages(docker, debian ?? '')
}
