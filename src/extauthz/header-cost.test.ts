import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authorizerFor, configOf, encodeAsk, STAFF_ROUTE } from './authorizer.fixture.ts'

/** Near the most that the check takes of headers. */
const LENGTH = 40_000

/**
 * What costs most to take apart: separators, openings that are never closed, and what begins like something.
 */
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

/** Microseconds of this thread: what the compiler and the collector do beside it is no cost of a header. */
const cpuOf = (run: () => unknown): number => {
  const from = process.threadCpuUsage().user
  run()
  return process.threadCpuUsage().user - from
}

/**
 * How often what seems dear is measured before it is called so: the collector's turn may fall into any one.
 */
const TRIES = 6

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
      const costOf = (value: string) => {
        const ask = encodeAsk({ headers: { [name]: value } }, fixture.config.routes[0]?.id ?? '')
        return (enough: number): number => {
          let least = Number.POSITIVE_INFINITY
          for (let tries = 0; tries < TRIES && least > enough; tries += 1)
            least = Math.min(
              least,
              cpuOf(() => {
                for (let run = 0; run < RUNS; run += 1) void fixture.authorizer.check(ask)
              }),
            )
          return least
        }
      }
      const plain = costOf('a'.repeat(LENGTH))
      plain(0)
      // A header of commas has cost eighteen milliseconds, and ten thousand cookies cost five: a slow machine
      // needs room between the two.
      const limit = 10 * plain(0) + RUNS * 14_000
      // What fits nothing stands at the very end: only then is a row parted in each of the ways.
      for (const start of starts)
        for (const text of DEAR)
          for (const end of ['', '!']) {
            const cost = costOf(start + text.repeat(LENGTH / text.length) + end)(limit)
            assert.ok(cost <= limit, `${JSON.stringify(start + text)}…${end}: ${cost} µs, at most ${limit}`)
          }
    })
})
