/**
 * A URL of the configuration may hold a token. A running process never says it: not in its log, in Envoy's,
 * in `/status`, in the metrics or on a page.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { freePort } from '../harness/ports.ts'
import { ANYONE_SIGNED_IN, PUBLIC, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const SECRET = 'planted-secret'

/** Answers everything with what nobody can use, now and then by sending the asker on. */
const asked: string[] = []
const odd = createServer((incoming, response) => {
  asked.push(incoming.url ?? '')
  if (asked.length % 3 === 0) response.writeHead(302, { location: `/elsewhere?token=${SECRET}` }).end()
  else
    response
      .writeHead(asked.length % 2 === 0 ? 500 : 200, { 'content-type': 'application/json' })
      .end('{"a":')
})
await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve))
after(() => odd.close())
const oddPort = (odd.address() as AddressInfo).port
const deadPort = await freePort()

/** In user names and passwords they are refused. */
const inQuery = (port: number, path: string): string => `http://127.0.0.1:${port}${path}?token=${SECRET}`

const stack = await startStack({
  settings: {
    signout_redirect_url: `https://signed-out.example.com/?token=${SECRET}`,
    records: {
      odd: { url: inQuery(oddPort, '/records'), key: 'user.email', key_field: 'email', poll_interval: '1m' },
      dead: {
        url: inQuery(deadPort, '/records'),
        key: 'user.email',
        key_field: 'email',
        poll_interval: '1m',
      },
    },
    identity_providers: {
      odd: { issuer: 'https://odd.example.com', audiences: ['a'], jwks_url: inQuery(oddPort, '/jwks') },
      dead: { issuer: 'https://dead.example.com', audiences: ['a'], jwks_url: inQuery(deadPort, '/jwks') },
    },
  },
  routes: ({ upstream, url }) => [
    {
      from: url('app', ''),
      to: upstream.url,
      bearer_token_format: 'jwt',
      policy: { allow: { and: [{ record: { type: 'odd', field: 'a', is: 'b' } }] } },
    },
    { from: url('other', ''), redirect: { path_redirect: `/there` }, ...PUBLIC },
    { from: url('wiki', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
  ],
})
after(() => stack[Symbol.asyncDispose]())

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token that looks like one of that issuer, so that its keys are fetched. */
function tokenOf(issuer: string): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: issuer, aud: 'a', sub: 'x', iat: now, exp: now + 60 }
  return `${part({ alg: 'ES256', kid: 'k' })}.${part(claims)}.${Buffer.alloc(64).toString('base64url')}`
}

it('no secret of a URL is said by a running process', async () => {
  const { url, ca, edge, sallyport } = stack
  const said: string[] = []
  const read = async (address: string, headers = {}) => {
    const { text, headers: answered } = await request({ url: address, ca: ca.cert, headers })
    said.push(text, JSON.stringify(answered))
  }
  const agent = stack.agent()
  await stack.signIn(agent, url('wiki'))
  for (const issuer of ['https://odd.example.com', 'https://dead.example.com'])
    await read(url('app'), { authorization: `Bearer ${tokenOf(issuer)}` })
  await until(() => asked.some((path) => path.startsWith('/jwks')) && asked.length > 2, {
    what: 'the addresses to be asked',
    withinMs: 30_000,
  })
  assert.ok(
    asked.some((path) => path.startsWith('/records')),
    'secrets are used',
  )
  said.push((await agent.fetch(url('app'))).text, (await agent.fetch(url('wiki', '/.pomerium/'))).text)
  said.push(JSON.stringify(await sallyport.status()))
  await read(`http://127.0.0.1:${edge.healthPort}/readyz`)
  await read(`http://127.0.0.1:${edge.metricsPort}/metrics`)
  await stack.edit({ settings: { log_level: 'debug' } })
  await sallyport.waitForLog('the edit', ({ msg }) => msg !== undefined && /config/i.test(msg))
  said.push(...sallyport.process.lines)
  for (const text of said) assert.ok(!text.includes(SECRET), text.slice(0, 2000))
})
