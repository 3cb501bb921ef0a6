/**
 * The listeners for probes and scrapes: `/healthz`, `/readyz`, `/startupz`, `/status` and `/metrics`.
 *
 * They stand apart from the protected hosts: a probe path on a protected host would be a hole in its policy.
 *
 * @module
 */
import { fastify } from 'fastify'
import { Fault, systemCodeOf } from '../errors.ts'

/** State of one part: `undefined` when well, else a sentence that says what it waits for or suffers from. */
export type Check = () => string | undefined

export interface HealthOptions {
  readonly address: { readonly host: string; readonly port: number }
  /** What must be well for traffic to be served, by component name (`xds`, `envoy`, `config` …). */
  readonly checks: Readonly<Record<string, Check>>
  /** Facts for people: generation, last problem, identity provider … */
  readonly status: () => object
  /** The configuration key that names the address, for the error when the port is taken. */
  readonly key: string
}

export async function serveHealth(options: HealthOptions): Promise<AsyncDisposable> {
  const server = fastify()
  server.get('/healthz', () => ({ status: 'ok' }))
  for (const path of ['/readyz', '/startupz']) {
    server.get(path, (_request, reply) => {
      const components = Object.fromEntries(
        Object.entries(options.checks).map(([name, check]) => [name, check() ?? 'ok']),
      )
      const ready = Object.values(components).every((state) => state === 'ok')
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'not ready', components })
    })
  }
  server.get('/status', () => options.status())
  await listen(server, options)
  return { [Symbol.asyncDispose]: async () => await server.close() }
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
