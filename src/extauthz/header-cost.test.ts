import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authorizerFor, configOf, encodeAsk, STAFF_ROUTE } from './authorizer.fixture.ts'

/** Near the most that the check takes of headers. */
const LENGTH = 40_000

/** What costs most to take apart: separators, openings that are never closed, and what begins like something. */
const DEAR = [
  ',',
  ' ',
  '\t',
  ';',
  '; ',
  '=',
  '"',
  '\\',
  '.',
  '%',
  ',q=',
  ';q=0',
  ', ',
  ' ,',
  'a,',
  ',bearer ',
  ', pomerium ',
]

/** Every header that a check may take apart, with a text of which each begins. */
const HEADERS: Readonly<Record<string, readonly string[]>> = {
  accept: ['text/html', ''],
  authorization: ['Bearer', 'Pomerium', 'Bearer Pomerium-', 'Basic eDp5', ''],
  cookie: ['__Host-_pomerium', '_pomerium=v1.', '__Host-sallyport_flow', ''],
  'content-type': ['application/grpc', ''],
  origin: ['https://app.example.com', ''],
  'proxy-authorization': ['Bearer', ''],
  referer: ['https://app.example.com/', ''],
  'sec-fetch-mode': ['navigate', ''],
  traceparent: ['00-', ''],
  'user-agent': ['kubernetes/', ''],
  'x-forwarded-client-cert': ['Hash=', 'Chain="', 'Subject="', ''],
  'x-forwarded-for': ['192.0.2.1', ''],
  'x-pomerium-authorization': ['v1.', ''],
  'x-request-id': [''],
  'x-requested-with': ['XMLHttpRequest', ''],
}

const cpuOf = (run: () => unknown): number => {
  const from = process.cpuUsage().user
  run()
  return process.cpuUsage().user - from
}

describe('a header that is made to be dear', () => {
  const route = { ...STAFF_ROUTE, bearer_token_format: 'jwt' }
  const issuers = { identity_providers: { ci: { issuer: 'https://ci.example.com', audiences: ['app'] } } }
  const settings = { ...issuers, xff_num_trusted_hops: 2 }

  for (const [name, starts] of Object.entries(HEADERS))
    it(`costs no more than a plain one of its length: ${name}`, async () => {
      using fixture = authorizerFor(configOf([route], settings), {
        ports: { bearer: { session: () => ({ problem: 'it is not a well-formed JWT' }) } },
      })
      const RUNS = 3
      const costOf = (value: string): number => {
        const ask = encodeAsk({ headers: { [name]: value } }, fixture.config.routes[0]?.id ?? '')
        const costs = Array.from({ length: 3 }, () =>
          cpuOf(() => {
            for (let run = 0; run < RUNS; run += 1) void fixture.authorizer.check(ask)
          }),
        )
        return Math.min(...costs)
      }
      costOf('a'.repeat(LENGTH))
      // Eighteen milliseconds is what a header of commas has cost; a busy machine needs some room below that.
      const limit = 10 * costOf('a'.repeat(LENGTH)) + RUNS * 6000
      // What fits nothing stands at the very end: only then is a row parted in each of the ways.
      for (const start of starts)
        for (const text of DEAR)
          for (const end of ['', '!']) {
            const cost = costOf(start + text.repeat(LENGTH / text.length) + end)
            assert.ok(cost <= limit, `${JSON.stringify(start + text)}…${end}: ${cost} µs, at most ${limit}`)
          }
    })
})
