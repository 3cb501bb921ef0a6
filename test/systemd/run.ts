/**
 * `npm run test:deb`: builds the Debian package and tries it in a Debian 12 that is booted with its own
 * systemd: installation, restarts, faults, upgrade, downgrade, removal. It needs root.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { BUILT } from './packages.ts'

function node(args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

node(['test/harness/prepare.ts', 'envoy', 'debian-with-systemd'])
node(['build/run.ts', 'deb', '--for', 'linux-x64', '--for', 'linux-arm64', '--out', BUILT])
node(['--test', '--test-timeout=600000', 'test/systemd/*.test.ts'])
