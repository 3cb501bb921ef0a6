/**
 * What is counted of the configuration stream: updates sent, their size, and those that Envoy refused.
 *
 * @module
 */
import type { Meter } from '@opentelemetry/api'
import { shortNameOf, TYPE_URL } from './resource.ts'

/** @param connected how many Envoys are */
export function createAdsMetrics(meter: Meter, generation: () => number, connected: () => number) {
  meter
    .createObservableGauge('sallyport_xds_generation', {
      description: 'Generation that Envoy is being given',
    })
    .addCallback((result) => result.observe(generation()))
  meter
    .createObservableGauge('sallyport_xds_connected', { description: 'Envoys on the configuration stream' })
    .addCallback((result) => result.observe(connected()))
  const nacks = meter.createCounter('sallyport_xds_nacks', { description: 'Updates that Envoy refused' })
  // An alert on the first NACK wants a series that was there before it.
  for (const typeUrl of Object.values(TYPE_URL)) nacks.add(0, { type: shortNameOf(typeUrl) })
  return {
    nacks,
    pushes: meter.createCounter('sallyport_xds_pushes', { description: 'Updates sent to Envoy' }),
    resources: meter.createCounter('sallyport_xds_resources', { description: 'Resources sent to Envoy' }),
    bytes: meter.createCounter('sallyport_xds_bytes', { description: 'Bytes of updates sent to Envoy' }),
  }
}
