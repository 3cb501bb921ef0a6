/**
 * A program on somebody's computer signs them in by a browser and goes on with the token that it is given.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, describe, it } from 'node:test'
import { type HttpVersion, request } from '../harness/http-client.ts'
import { ANYONE_SIGNED_IN, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { ask as echo, openWebSocket } from '../harness/web-socket.ts'

const stack = await startStack({
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, ...STAFF_ONLY, allow_websockets: true },
    { from: url('api', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, ca, upstream } = stack

/** What command-line clients do: they listen, have a page opened, and wait. */
async function startProgram() {
  const arrived = Promise.withResolvers<URL>()
  const server = createServer((asked, response) => {
    arrived.resolve(new URL(asked.url ?? '/', 'http://127.0.0.1'))
    response.end('you may close this window')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    redirectUri: `http://127.0.0.1:${address.port}`,
    token: async () => (await arrived.promise).searchParams.get('pomerium_jwt') ?? '',
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const askBy =
  (version: HttpVersion) =>
  (path: string, headers: Readonly<Record<string, string>> = {}, host = 'app') =>
    request({ url: url(host, path), ca: ca.cert, version, headers })

for (const version of ['1.1', '2'] as const)
  describe(`a program over HTTP/${version}`, () => {
    const ask = askBy(version)
    it('signs its user in, uses the app in their name, and is out when they sign out', async () => {
      await using program = await startProgram()
      const login = await ask(`/.pomerium/api/v1/login?pomerium_redirect_uri=${program.redirectUri}`)
      assert.equal(login.status, 200)
      assert.match(login.headers['content-type'] ?? '', /^text\/plain/)
      const agent = stack.agent()
      await stack.signIn(agent, login.text)
      const token = await program.token()

      const forms = [
        { authorization: `Pomerium ${token}` },
        { authorization: `Bearer Pomerium-${token}` },
        { 'x-pomerium-authorization': token },
      ]
      for (const headers of forms) {
        const page = await ask('/what-is-there', headers)
        assert.equal(page.status, 200, JSON.stringify(Object.keys(headers)))
        const seen = upstream.requests.at(-1)
        assert.doesNotMatch(JSON.stringify(seen), new RegExp(token.slice(-20)), 'the app never sees it')
        assert.equal((await ask('/.pomerium/api/v1/routes', headers)).status, 200)
      }
      assert.equal((await ask('/', forms[0], 'api')).status, 401, 'it is for one host')
      assert.equal((await ask('/', { cookie: `__Host-_pomerium=${token}` })).status, 401)
      await agent.visit(url('app', '/.pomerium/sign_out'))
      for (const headers of forms) assert.equal((await ask('/', headers)).status, 401)
    })
  })

describe('a program whose user has been signed in for a while', () => {
  it('is let in by a page that names it, and opens WebSockets then', async () => {
    await using program = await startProgram()
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const login = await agent.fetch(
      url('app', `/.pomerium/api/v1/login?pomerium_redirect_uri=${program.redirectUri}`),
    )
    const question = await agent.visit(login.text)
    assert.equal(question.status, 200)
    const [, yes = ''] = /href="([^"]*pomerium_consent[^"]*)"/.exec(question.text) ?? []
    assert.equal((await agent.visit(yes.replaceAll('&amp;', '&'))).text, 'you may close this window')
    const headers = { authorization: `Pomerium ${await program.token()}` }
    const socket = await openWebSocket({ url: url('app', '/ws'), ca: ca.cert, headers })
    assert.equal(await echo(socket, 'hello'), 'echo:hello')
    socket.terminate()
  })
})
