/**
 * `node prepare.ts chromium keycloak …`: brings the parts that the tests need, and says what is missing.
 *
 * Run before the test files, which run side by side and would otherwise each install the same.
 *
 * @module
 */
import { findEnvoy } from '../../envoy/find.ts'
import { findPart, type Part } from './parts.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

let missing = 0
const wanted = process.argv.slice(2)

async function bring(part: string): Promise<void> {
  if (part === 'envoy') {
    await findEnvoy({ env: process.env })
    return
  }
  const found = await findPart(part as Part)
  if ('missing' in found && !found.isLeft) missing += 1
  say('missing' in found ? found.missing : `${part}: ${found.path}`)
}

/** Most of the time goes into waiting for registries and disks. */
const AT_ONCE = 3

async function bringInTurn(): Promise<void> {
  for (let part = wanted.shift(); part !== undefined; part = wanted.shift()) await bring(part)
}

await Promise.all(Array.from({ length: AT_ONCE }, bringInTurn))
if (missing > 0 && process.env['CI']) process.exitCode = 1
