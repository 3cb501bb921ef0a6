import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { Fault } from '../errors.ts'
import { observeHealth, serveHealth, serveMetrics } from './health-server.ts'
import { createMetrics } from './metrics.ts'

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  await new Promise((closed) => server.close(closed))
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe('the health listener', () => {
  it('is alive at once, and ready when every part is well', async () => {
    const port = await freePort()
    let trouble: string | undefined = 'no Envoy is connected'
    await using _ = await serveHealth({
      address: { host: '127.0.0.1', port },
      checks: { envoy: () => trouble, xds: () => undefined },
      details: { store: () => 'the disk is full', config: () => undefined },
      status: {
        sessions: () => 3,
        store: () => {
          throw new Error('malformed')
        },
      },
      key: 'health_check_addr',
    })
    const ask = async (path: string) => await fetch(`http://127.0.0.1:${port}${path}`)
    assert.equal((await ask('/healthz')).status, 200)
    const waiting = await ask('/readyz')
    assert.equal(waiting.status, 503)
    assert.deepEqual(await waiting.json(), {
      status: 'not ready',
      components: { envoy: 'no Envoy is connected', xds: 'ok' },
      details: { store: 'the disk is full', config: 'ok' },
    })
    trouble = undefined
    assert.equal((await ask('/readyz')).status, 200, 'details never make it unready')
    assert.deepEqual(await (await ask('/status')).json(), { sessions: 3, store: { error: 'malformed' } })
    assert.equal((await ask('/metrics')).status, 404)
  })

  it('tells of each part in one gauge', async () => {
    await using metrics = createMetrics()
    observeHealth(metrics.meter, {
      xds: () => undefined,
      store: () => 'the disk is full',
      config: () => {
        throw new Error('a bug')
      },
    })
    const text = await metrics.render()
    assert.match(text, /^sallyport_component_healthy\{component="xds"[^}]*\} 1$/m)
    assert.match(text, /^sallyport_component_healthy\{component="store"[^}]*\} 0$/m)
    assert.match(text, /^sallyport_component_healthy\{component="config"[^}]*\} 0$/m)
  })

  it('names its key when the port is taken', async () => {
    const port = await freePort()
    const address = { host: '127.0.0.1', port }
    await using _ = await serveMetrics({ address, render: async () => 'up 1\n', key: 'metrics_address' })
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), 'up 1\n')
    await assert.rejects(
      serveMetrics({ address, render: async () => '', key: 'metrics_address' }),
      (error) =>
        error instanceof Fault &&
        error.code === 'PORT_IN_USE' &&
        error.message === `metrics_address: 127.0.0.1:${port}: the port is in use`,
    )
  })
})
