/**
 * The listeners for probes and scrapes: `/healthz`, `/readyz`, `/startupz`, `/status` and `/metrics`.
 *
 * They stand apart from the protected hosts: a probe path on a protected host would be a hole in its policy.
 *
 * @module
 */
import { fastify } from 'fastify'
import { Fault, systemCodeOf } from '../errors.ts'
import type { Meter } from './metrics.ts'

/** State of one part: `undefined` when well, else a sentence that says what it waits for or suffers from. */
export type Check = () => string | undefined

export interface HealthOptions {
  readonly address: { readonly host: string; readonly port: number }
  /** What must be well for traffic to be served, by component name (`xds`, `envoy`). */
  readonly checks: Readonly<Record<string, Check>>
  /**
   * What somebody should look at while traffic goes on, by component name (`config`, `store` …). These never
   * make the answer "not ready": taking a replica away would not mend them, and would end what still works.
   */
  readonly details?: Readonly<Record<string, Check>>
  /** Facts for people, by section: generation, last problem, identity provider … */
  readonly status: Readonly<Record<string, () => unknown>>
  /** The configuration key that names the address, for the error when the port is taken. */
  readonly key: string
}

export async function serveHealth(options: HealthOptions): Promise<AsyncDisposable> {
  const server = fastify()
  server.get('/healthz', () => ({ status: 'ok' }))
  for (const path of ['/readyz', '/startupz']) {
    server.get(path, (_request, reply) => {
      const components = statesOf(options.checks)
      const ready = Object.values(components).every((state) => state === WELL)
      const details = statesOf(options.details ?? {})
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'not ready', components, details })
    })
  }
  server.get('/status', () => sectionsOf(options.status))
  await listen(server, options)
  return { [Symbol.asyncDispose]: async () => await server.close() }
}

/** One gauge for all parts, so that one alert covers whatever goes wrong. */
export function observeHealth(meter: Meter, parts: Readonly<Record<string, Check>>): void {
  meter
    .createObservableGauge('sallyport_component_healthy', {
      description: '1 when a part is well, 0 when /readyz has a sentence about it',
    })
    .addCallback((result) => {
      for (const [component, state] of Object.entries(statesOf(parts)))
        result.observe(state === WELL ? 1 : 0, { component })
    })
}

const WELL = 'ok'

function statesOf(checks: Readonly<Record<string, Check>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, stateOf(check)]))
}

/** A part that can't even be asked is not well. */
function stateOf(check: Check): string {
  try {
    return check() ?? WELL
  } catch (error) {
    return messageOf(error)
  }
}

/** Each section for itself: what is broken must not hide the rest. */
function sectionsOf(sections: HealthOptions['status']): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(sections).map(([name, section]) => {
      try {
        return [name, section()]
      } catch (error) {
        return [name, { error: messageOf(error) }]
      }
    }),
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export async function serveMetrics(options: {
  readonly address: { readonly host: string; readonly port: number }
  readonly render: () => Promise<string>
  readonly key: string
}): Promise<AsyncDisposable> {
  const server = fastify()
  server.get('/metrics', async (_request, reply) => {
    void reply.type('text/plain; version=0.0.4; charset=utf-8')
    return await options.render()
  })
  await listen(server, options)
  return { [Symbol.asyncDispose]: async () => await server.close() }
}

async function listen(
  server: { listen(options: { host: string; port: number }): Promise<string> },
  { address, key }: { address: { host: string; port: number }; key: string },
): Promise<void> {
  try {
    await server.listen({ ...address })
  } catch (error) {
    const code = systemCodeOf(error)
    const why = code === 'EADDRINUSE' ? 'the port is in use' : `cannot listen (${code ?? String(error)})`
    throw new Fault('PORT_IN_USE', `${key}: ${address.host}:${address.port}: ${why}`, { cause: error })
  }
}
