import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createClientAuthority } from '../../../config/client-authority.fixture.ts'
import type { Config } from '../../../config/config.ts'
import { parseConfig } from '../../../config/parse.ts'
import { createLogger } from '../../../telemetry/log.ts'
import { createMetrics } from '../../../telemetry/metrics.ts'
import { watchRevocationLists } from './list-watch.ts'

const root = await createClientAuthority('Root')
const SOON = Math.floor(Date.now() / 1000) * 1000 + 60_000

function configOf(...lists: readonly string[]): Config {
  const parsed = parseConfig(
    JSON.stringify({ downstream_mtls: { ca: root.cert, crl: lists.join('') }, routes: [] }),
  )
  assert.ok('config' in parsed)
  return parsed.config
}

const listUntil = async (at: number) => await root.revocationList([], { nextUpdate: new Date(at) })

describe('a revocation list', () => {
  it('is told of once when it runs out, and again when its successor does', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: SOON - 60_000 })
    const lines: string[] = []
    const { logger } = createLogger({
      level: 'warn',
      destination: { write: (line) => void lines.push(line) },
    })
    const { meter } = createMetrics()
    const listeners = new Set<(config: Config) => void>()
    const current = configOf(await listUntil(SOON))
    const config = {
      current,
      onGeneration(listener: (config: Config) => void) {
        listeners.add(listener)
        return { [Symbol.dispose]: () => void listeners.delete(listener) }
      },
    }
    const change = (next: Config) => {
      for (const listener of listeners) listener(next)
    }
    using _ = watchRevocationLists({ config, logger, meter, now: Date.now })

    test.mock.timers.tick(59_999)
    assert.deepEqual(lines, [])
    test.mock.timers.tick(1)
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /"authority":"CN=Root".*revocation list has run out/)
    change(configOf(await listUntil(SOON)))
    assert.equal(lines.length, 1)
    change(configOf(await listUntil(SOON), await listUntil(SOON + 7_200_000)))
    test.mock.timers.tick(7_199_999)
    assert.equal(lines.length, 1)
    test.mock.timers.tick(1)
    assert.equal(lines.length, 2)
  })
})
