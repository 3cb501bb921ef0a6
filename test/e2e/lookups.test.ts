/**
 * Policies that look into tables and places, through a real Envoy, with a real MaxMind DB of public
 * registers.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { request } from '../harness/http-client.ts'
import { ANYONE_SIGNED_IN, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const REGISTERS = fileURLToPath(
  import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'),
)
const IN_THE_NETHERLANDS = '193.0.6.139'
const PRIVATE = '10.0.0.1'

const people = async (folder: string, rows: string) =>
  await writeFile(join(folder, 'people.csv'), `email,department\n${rows}`)

const stack = await startStack({
  settings: {
    // The proxy in front of Envoy is the test: so it can come from anywhere.
    xff_num_trusted_hops: 1,
    skip_xff_append: true,
    records: { people: { path: 'people.csv', key: 'user.email' } },
    geoip: { databases: [REGISTERS] },
  },
  beforeServe: async ({ folder }) => await people(folder, 'alice@example.com,finance\n'),
  routes: ({ upstream, url }) => [
    {
      from: url('app', ''),
      to: upstream.url,
      policy: { allow: { and: [{ record: { type: 'people', field: 'department', is: 'finance' } }] } },
    },
    {
      from: url('public', ''),
      to: upstream.url,
      policy: [{ allow: { or: [{ accept: true }] } }, { deny: { or: [{ geoip: { country: 'NL' } }] } }],
    },
    { from: url('other', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, ca } = stack

describe('a policy that looks people up', () => {
  it('lets in whoever the table names, and follows the table without a restart', async () => {
    const agent = stack.agent()
    assert.equal((await stack.signIn(agent, url('app'))).status, 200)
    await people(stack.folder, 'alice@example.com,harbour\n')
    await until(async () => (await agent.visit(url('app'))).status === 403, {
      what: 'the changed table to be in force',
      withinMs: 10_000,
    })
    await people(stack.folder, 'alice@example.com,finance\n')
    await until(async () => (await agent.visit(url('app'))).status === 200, {
      what: 'the table to be as it was',
      withinMs: 10_000,
    })
  })

  it('keeps to the last good table when a broken one is written, and says so', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    await people(stack.folder, 'alice@example.com\n')
    const line = await stack.sallyport.waitForLog('that the table is broken', ({ msg }) =>
      /records "people" can not be had, the last good copy stays/.test(msg ?? ''),
    )
    assert.match(String(line['err']), /people\.csv:2 has 1 values/)
    assert.equal((await agent.visit(url('app'))).status, 200)
    const { lookups } = await stack.sallyport.status()
    assert.match(JSON.stringify(lookups), /"records \\"people\\"":\{"state":"failing"/)
  })
})

const statusFrom = async (ip: string) =>
  (await request({ url: url('public'), ca: ca.cert, headers: { 'x-forwarded-for': ip } })).status

describe('a policy that asks where somebody is', () => {
  it('turns away a country, and nobody from elsewhere or nowhere', async () => {
    assert.equal(await statusFrom(IN_THE_NETHERLANDS), 403)
    assert.equal(await statusFrom('8.8.8.8'), 200)
    assert.equal(await statusFrom(PRIVATE), 200)
  })
})
