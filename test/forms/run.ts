/**
 * `npm run test:forms`: builds what is shipped, tries each form as people install it, and runs a part of the
 * end-to-end tests against the bundle and the single file. The sources are what `npm test` runs.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findPart, need } from '../harness/parts.ts'
import { BUILT, builtFiles, PLATFORM } from './built.ts'

/** A sign-in from end to end, the tables of policies, and tools of the command line, which are loaded late. */
const PART = ['test/e2e/sign-in.test.ts', 'test/e2e/lookups.test.ts', 'test/e2e/policy-tools.test.ts']

function node(args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  if (status !== 0) process.exit(status ?? 1)
}

const say = (what: string): void => void process.stdout.write(`\n-- ${what}\n`)

say('build')
rmSync(BUILT, { recursive: true, force: true })
node(['test/harness/prepare.ts', 'envoy', 'bare-debian', 'arm64', 'node-20'])
node(['build/run.ts', 'npm', 'single-file', '--with-envoy', '--for', PLATFORM, '--out', BUILT])
node(['build/run.ts', 'single-file', '--for', 'linux-arm64', '--out', BUILT])

const { bundle, singleFile } = builtFiles()
const test = ['--test', '--test-timeout=240000', '--test-concurrency=2']
say('each form, as it is installed')
node([...test, 'test/forms/*.test.ts'])
// The single file runs the demo on a bare Debian already.
for (const [program, part] of [
  [bundle, ['test/e2e/demo.test.ts', ...PART]],
  [singleFile, PART],
] as const) {
  say(`a part of the end-to-end tests, against ${program}`)
  node([...test, ...part], { SALLYPORT_PROGRAM: program })
}

say('the package of the client, on Node 20')
const client = join(BUILT, 'client-on-node-20')
const words = [
  need(await findPart('node-20')),
  join(BUILT, 'npm', 'sallyport-client', 'bin', 'sallyport.mjs'),
]
writeFileSync(client, `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(' ')} "$@"\n`, { mode: 0o755 })
node([...test, 'test/e2e/client.test.ts'], { SALLYPORT_CLIENT: client })
