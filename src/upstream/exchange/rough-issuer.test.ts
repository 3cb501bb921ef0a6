import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { createHttpClient } from '../../outbound/http-client.ts'
import { createLogger } from '../../telemetry/log.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import { openUpstreamTokens } from './tokens.ts'
import { ALICE, NOW, routeWith } from './world.fixture.ts'

const LARGEST_ANSWER = 64 * 1024
const nothing = () => ({ [Symbol.dispose]() {} })

/** What becomes of a token that such an issuer is asked for, and how often it was asked. */
async function askedOf(respond: (response: ServerResponse, path: string) => void) {
  await using stop = new AsyncDisposableStack()
  const paths: string[] = []
  const server = createServer((request, response) => {
    paths.push(request.url ?? '')
    respond(response, request.url ?? '')
  })
  stop.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const lines: string[] = []
  const tokens = stop.use(
    openUpstreamTokens({
      config: { onGeneration: nothing },
      sessions: { onChange: nothing },
      providers: { find: () => undefined, idsFor: () => [] },
      http: stop.use(createHttpClient({ maxResponseBytes: LARGEST_ANSWER })),
      now: () => NOW,
      logger: createLogger({ level: 'info', destination: { write: (text) => void lines.push(text) } }).logger,
      meter: createMetrics().meter,
      answerWithinMs: 500,
    }),
  )
  const own = { token_url: `http://127.0.0.1:${port}/token`, client_id: 'c', client_secret: 'planted-secret' }
  const found = await tokens.tokenFor({
    ...routeWith(own),
    session: ALICE,
    subject: { token: ALICE.tokens.accessToken ?? '', isGood: true },
  })
  assert.doesNotMatch(lines.join(''), /planted/)
  return { lack: 'lack' in found ? found.lack : undefined, paths, log: lines.join('') }
}

describe('an issuer that misbehaves', () => {
  it('sends elsewhere: nobody follows with the secret', async () => {
    for (const status of [301, 302, 307, 308]) {
      const { lack, paths } = await askedOf((response, path) =>
        path === '/token'
          ? response.writeHead(status, { location: '/stolen' }).end()
          : response.end('{"access_token":"stolen","token_type":"Bearer"}'),
      )
      assert.equal(lack, 'upstream-token-invalid', String(status))
      assert.deepEqual(paths, ['/token'])
    }
  })

  it('answers without end, or a letter at a time, or not at all', async () => {
    for (const respond of [
      (response: ServerResponse) => void response.write('x'.repeat(2 * LARGEST_ANSWER)),
      (response: ServerResponse) => {
        const timer = setInterval(() => response.write(' '), 20)
        response.on('close', () => clearInterval(timer))
      },
      () => undefined,
      (response: ServerResponse) => response.destroy(),
    ]) {
      const { lack, paths } = await askedOf(respond)
      assert.equal(lack, 'upstream-token-unavailable')
      assert.equal(paths.length, 1)
    }
  })

  it('answers with a page, and the log says so', async () => {
    const { lack, log } = await askedOf((response) =>
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>planted</html>'),
    )
    assert.equal(lack, 'upstream-token-invalid')
    assert.match(log, /it answered with text\/html, which is no JSON object/)
  })
})
