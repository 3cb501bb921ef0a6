/**
 * The meter that rooms count with, and its Prometheus text.
 *
 * OpenTelemetry's API keeps the way open to push the same series by OTLP.
 *
 * @module
 */
import type { Meter } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'

export type { Meter } from '@opentelemetry/api'

export interface Metrics extends AsyncDisposable {
  readonly meter: Meter
  /** Prometheus text exposition format 0.0.4. */
  render(): Promise<string>
}

export function createMetrics(): Metrics {
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const provider = new MeterProvider({ readers: [exporter] })
  const serializer = new PrometheusSerializer()
  return {
    meter: provider.getMeter('sallyport'),
    async render() {
      const { resourceMetrics } = await exporter.collect()
      return serializer.serialize(resourceMetrics)
    },
    async [Symbol.asyncDispose]() {
      await provider.shutdown()
    },
  }
}
