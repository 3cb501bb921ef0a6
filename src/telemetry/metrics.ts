/**
 * The meter that rooms count with, and its Prometheus text.
 *
 * OpenTelemetry's API keeps the way open to push the same series by OTLP.
 *
 * @module
 */
import type { Meter } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'

export type { Meter } from '@opentelemetry/api'

export interface Metrics extends AsyncDisposable {
  readonly meter: Meter
  /** Prometheus text exposition format 0.0.4. */
  render(): Promise<string>
}

/** @param options.version of the program, for the series `target_info` */
export function createMetrics(options: { readonly version?: string } = {}): Metrics {
  const { version } = options
  const exporter = new PrometheusExporter({ preventServerStart: true })
  // Without one the default would tell the path of the interpreter.
  const resource = resourceFromAttributes({
    'service.name': 'sallyport',
    ...(version !== undefined && { 'service.version': version }),
  })
  const provider = new MeterProvider({ readers: [exporter], resource })
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
