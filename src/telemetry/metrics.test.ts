import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMetrics } from './metrics.ts'

describe('the meter', () => {
  it('renders what was counted as Prometheus text', async () => {
    await using metrics = createMetrics()
    metrics.meter.createCounter('sallyport_things', { description: 'Things.' }).add(2, { kind: 'good' })
    const text = await metrics.render()
    assert.match(text, /^# HELP sallyport_things_total Things\.$/m)
    assert.match(text, /^sallyport_things_total\{kind="good"[^}]*\} 2$/m)
  })
})
