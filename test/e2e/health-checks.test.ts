/**
 * Active probes of an upstream that speaks HTTP/2 over TLS: what the probe offers in its handshake is what it
 * speaks.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import http2 from 'node:http2'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { request } from '../harness/http-client.ts'
import { freePort } from '../harness/ports.ts'
import type { Route } from '../harness/sallyport.ts'
import { PUBLIC, startStack } from '../harness/stack.ts'
import { createTestCa, type KeyPair } from '../harness/test-ca.ts'
import { until } from '../harness/until.ts'

const inner = await createTestCa('Inner CA')

/** A TLS server of HTTP/2, which remembers by what protocol each probe came. */
async function startProbed({ cert, key }: KeyPair, allowHTTP1: boolean) {
  const probes: string[] = []
  const state = { isWell: true }
  const server = http2.createSecureServer({ cert, key, allowHTTP1 }, (incoming, response) => {
    if (incoming.url !== '/healthz') return void response.end('hello')
    probes.push(String((incoming.socket as TLSSocket).alpnProtocol))
    response.writeHead(state.isWell ? 200 : 503).end()
  })
  const port = await freePort()
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve))
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session) => sessions.add(session))
  after(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { url: `https://127.0.0.1:${port}`, probes, state }
}

const pair = await inner.issue({ names: ['inner.example.com'] })
const CASES = {
  h2: { server: await startProbed(pair, false), codec: 'HTTP2', more: {}, speaks: 'h2' },
  upgrades: {
    server: await startProbed(pair, true),
    codec: 'HTTP2',
    more: { allow_websockets: true },
    speaks: 'h2',
  },
  h1: { server: await startProbed(pair, true), codec: undefined, more: {}, speaks: 'http/1.1' },
} as const

const stack = await startStack({
  hosts: Object.keys(CASES),
  routes: ({ url, folder }) =>
    Object.entries(CASES).map(
      ([host, { server, codec, more }]): Route => ({
        from: url(host, ''),
        to: server.url,
        ...PUBLIC,
        ...more,
        tls_custom_ca_file: join(folder, 'inner-ca.pem'),
        tls_upstream_server_name: 'inner.example.com',
        healthy_panic_threshold: 0,
        health_checks: [
          {
            timeout: '2s',
            interval: '0.2s',
            no_traffic_interval: '0.2s',
            unhealthy_threshold: 2,
            healthy_threshold: 1,
            http_health_check: { path: '/healthz', ...(codec && { codec_client_type: codec }) },
          },
        ],
      }),
    ),
  beforeServe: async ({ folder }) => await writeFile(join(folder, 'inner-ca.pem'), inner.cert),
})
after(() => stack[Symbol.asyncDispose]())

describe('a probe of an upstream that speaks HTTP/2 over TLS', () => {
  for (const [host, { server, codec, more, speaks }] of Object.entries(CASES)) {
    const get = async () => await request({ url: stack.url(host), ca: stack.ca.cert })
    it(`is understood, with ${codec ?? 'the usual codec'} and ${JSON.stringify(more)}, and decides who is asked`, async () => {
      await until(async () => (await get()).status === 200, { what: 'the upstream to be well' })
      await until(() => server.probes.length >= 2, { what: 'two probes' })
      assert.deepEqual(new Set(server.probes), new Set([speaks]))
      server.state.isWell = false
      await until(async () => /No copy of the app is there/.test((await get()).text), {
        what: 'the upstream to be left out',
      })
      server.state.isWell = true
      await until(async () => (await get()).status === 200, { what: 'the upstream to be back' })
    })
  }
})
