import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createMetrics } from '../telemetry/metrics.ts'
import { authorizerFor, configOf, STAFF_ROUTE } from './authorizer.fixture.ts'

it('decisions that rules with mode: observe would change are counted, by what they are and would be', async () => {
  const policy = [
    { allow: { and: [{ accept: true }] } },
    { deny: { and: [{ http_path: '/old' }] }, mode: 'observe' },
  ]
  await using metrics = createMetrics()
  const ports = { meter: metrics.meter }
  using fixture = authorizerFor(configOf([{ ...STAFF_ROUTE, policy }]), { ports })
  await fixture.ask()
  await fixture.ask({ path: '/old' })
  await fixture.ask({ path: '/old?x=1' })
  const counted = (await metrics.render()).split('\n').filter((line) => line.startsWith('sallyport_observed'))
  assert.equal(counted.length, 1)
  assert.match(
    counted[0] ?? '',
    /^sallyport_observed_decisions_total\{decided="allow",observed="deny".*\} 2$/,
  )
})
