import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { FAULT_CODES, Fault } from '../errors.ts'
import { createLogger } from '../telemetry/log.ts'
import { createHttpServer, decisionIdOf, listenHttp, sendFault } from './http-server.ts'

function serverThatThrows(error: unknown) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const server = createHttpServer({ logger: createLogger({ level: 'info', destination }).logger })
  server.route({
    method: ['GET', 'POST'],
    url: '/',
    handler: () => {
      throw error
    },
  })
  return { server, lines }
}

describe('the HTTP server', () => {
  it('answers every fault with its status, as a page or as JSON, without its message', async () => {
    for (const code of FAULT_CODES) {
      const fault = new Fault(code, 'words for the operator')
      const { server, lines } = serverThatThrows(fault)
      const headers = { 'x-request-id': 'id-1' }
      const page = await server.inject({ url: '/', headers: { ...headers, accept: 'text/html' } })
      const json = await server.inject({ url: '/', headers: { ...headers, accept: 'application/json' } })
      for (const answer of [page, json]) {
        assert.equal(answer.statusCode, fault.status, code)
        assert.equal(answer.headers['cache-control'], 'no-store')
        assert.doesNotMatch(answer.body, /words for the operator/)
        assert.match(answer.body, /id-1/)
      }
      assert.match(String(page.headers['content-type']), /text\/html/)
      assert.equal(json.json().error, code.toLowerCase())
      assert.match(lines[0] ?? '', /words for the operator/)
    }
  })

  it('tells nothing of a bug but the decision id, and logs its stack', async () => {
    const { server, lines } = serverThatThrows(new TypeError('x is undefined'))
    const answer = await server.inject({ url: '/', headers: { 'x-request-id': 'id-2' } })
    assert.equal(answer.statusCode, 500)
    assert.match(answer.body, /id-2/)
    assert.doesNotMatch(answer.body, /undefined|TypeError/)
    assert.match(lines.join(''), /TypeError.*http-server\.test\.ts/)
  })

  it('refuses large bodies and media types that no form has', async () => {
    const { server } = serverThatThrows(new Fault('NOT_FOUND', 'reached'))
    const post = (type: string, payload: string) =>
      server.inject({ method: 'POST', url: '/', headers: { 'content-type': type }, payload })
    assert.equal((await post('application/x-www-form-urlencoded', 'a=1')).statusCode, 404)
    assert.equal((await post('application/x-www-form-urlencoded', 'a'.repeat(70_000))).statusCode, 400)
    assert.equal((await post('application/json', '{}')).statusCode, 400)
  })

  it('prints no request id that Envoy would not have made', () => {
    assert.equal(decisionIdOf('<script>'), undefined)
    assert.equal(decisionIdOf('a'.repeat(65)), undefined)
    assert.equal(decisionIdOf(['a', 'b']), undefined)
    assert.equal(decisionIdOf('4f1f1b6e-1b1b'), '4f1f1b6e-1b1b')
  })

  it('listens on a socket that only its owner can open, and lets go of it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'http-server-'))
    const socketPath = join(directory, 's.sock')
    const { server } = serverThatThrows(new Fault('NOT_FOUND', 'x'))
    server.get('/told', (request, reply) =>
      sendFault(new Fault('OAUTH_STATE_EXPIRED', 'x'), request, reply, {
        detail: 'More words',
        actions: [{ label: 'Again', href: '/x' }],
      }),
    )
    {
      await using listening = await listenHttp(server, socketPath)
      assert.ok(listening)
      assert.equal(statSync(socketPath).mode & 0o777, 0o600)
      const body = await new Promise<string>((resolve, reject) => {
        httpRequest({ socketPath, path: '/told', headers: { accept: 'text/html' } }, (response) => {
          response.setEncoding('utf8')
          let text = ''
          response.on('data', (chunk: string) => {
            text += chunk
          })
          response.on('end', () => resolve(text))
        })
          .on('error', reject)
          .end()
      })
      assert.match(body, /More words[^]*href="\/x"/)
    }
    assert.equal(statSync(socketPath, { throwIfNoEntry: false }), undefined)
    rmSync(directory, { recursive: true })
  })
})
