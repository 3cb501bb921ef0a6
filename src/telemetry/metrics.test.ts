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

  it('says which program and version is measured, and nothing of the machine', async () => {
    await using metrics = createMetrics({ version: '1.2.3' })
    metrics.meter.createCounter('sallyport_things').add(1)
    assert.match(
      await metrics.render(),
      /^target_info\{service_name="sallyport",service_version="1\.2\.3"\} 1$/m,
    )
  })
})
