/**
 * docs/apps/grafana.md: the settings of Grafana's JWT authentication, held by a server that plays that part of
 * Grafana by the very file. Grafana itself is not tried here.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { request } from '../harness/http-client.ts'
import { ROOT, startExample } from './set-up.ts'

/** Keys of an ini file, as `section.key`. */
function iniOf(text: string): ReadonlyMap<string, string> {
  let section = ''
  return new Map(
    text.split('\n').flatMap((line) => {
      section = /^\[(.*)\]$/.exec(line)?.[1] ?? section
      const [, key, value] = /^(\w+) = (.*)$/.exec(line) ?? []
      return key === undefined || value === undefined ? [] : [[`${section}.${key}`, value] as const]
    }),
  )
}

let caFile = ''
const example = await startExample('apps/grafana', async ({ port, url }) => {
  const file = await readFile(join(ROOT, 'examples', 'apps', 'grafana', 'grafana.ini'), 'utf8')
  const ini = iniOf(
    file
      .replaceAll('https://grafana.example.com', url('grafana', ''))
      .replaceAll('grafana.example.com', 'grafana.localhost'),
  )
  const setting = (key: string): string => ini.get(`auth.jwt.${key}`) ?? assert.fail(key)
  const expected = JSON.parse(setting('expect_claims')) as Readonly<Record<string, unknown>>

  /** Whom the request is of, as Grafana finds out: signature by the JWKS, each expected claim, then the name. */
  async function userOf(token: string): Promise<unknown> {
    const keys = await request({ url: setting('jwk_set_url'), ca: await readFile(caFile, 'utf8') })
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys.json<JSONWebKeySet>()))
    for (const [name, value] of Object.entries(expected)) {
      const claim = payload[name]
      assert.ok(claim === value || (Array.isArray(claim) && claim.includes(value)), name)
    }
    assert.equal(payload[setting('username_claim')], payload[setting('email_claim')])
    return payload[setting('email_claim')]
  }
  const server = createServer((incoming, response) => {
    const token = incoming.headers[setting('header_name').toLowerCase()]
    userOf(String(token)).then(
      (user) => response.end(`signed in as ${String(user)}`),
      () => response.writeHead(401).end('Invalid JWT'),
    )
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { [Symbol.asyncDispose]: async () => void (server.closeAllConnections(), server.close()) }
})
caFile = example.caFile
after(() => example[Symbol.asyncDispose]())

describe('Grafana’s JWT settings', () => {
  const home = example.url('grafana')

  it('name the person who came through the proxy', async () => {
    const { agent, page } = await example.signedIn('alice', home)
    assert.deepEqual([page.status, page.text], [200, 'signed in as alice@example.com'])
    const forged = { 'x-pomerium-jwt-assertion': 'e30.e30.e30' }
    assert.equal((await agent.fetch(home, { headers: forged })).text, 'signed in as alice@example.com')
  })

  it('let nobody in whom the policy refuses', async () => {
    assert.equal((await example.signedIn('bob', home)).page.status, 403)
  })
})
