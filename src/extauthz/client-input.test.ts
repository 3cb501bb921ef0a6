import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { ALICE, authorizerFor, configOf, cookieOf, referenceOf, STAFF_ROUTE } from './authorizer.fixture.ts'

const ROUTES = [
  { ...STAFF_ROUTE, from: 'https://*.example.com', pass_identity_headers: true, cors_allow_preflight: true },
  {
    from: 'https://pub.example.com',
    to: 'http://127.0.0.1:1',
    allow_public_unauthenticated_access: true,
    pass_identity_headers: true,
    bearer_token_format: 'jwt',
    set_request_headers: { 'x-copy': '$pomerium.jwt' },
  },
] as const

const text = (...pieces: readonly string[]) =>
  fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((parts) => parts.join(''))

const HOSTS = text(
  'app',
  'example.com',
  '.',
  ':',
  '443',
  '0',
  '65536',
  '99999',
  '@',
  '[',
  ']',
  '::1',
  '%',
  '/',
  '\\',
  'é',
  ' ',
  '',
)
const PATHS = text(
  '/',
  '/a',
  '..',
  ';',
  '%2f',
  '%',
  '?',
  '#',
  '%00',
  '\u0080',
  '\ud800',
  '//',
  '*',
  ':',
  '=',
  '&',
  'x'.repeat(5000),
)
const VALUES = text(
  ',',
  ';',
  '=',
  '"',
  ' ',
  '\t',
  'q',
  '0.5',
  '*/*',
  'text/html',
  'json',
  'Bearer',
  'Pomerium',
  'Basic',
  '_pomerium',
  'null',
  'https://app.example.com',
  'https://',
  'cors',
  'navigate',
  cookieOf(ALICE),
  referenceOf(ALICE),
  '\u0000',
  '\u00ff',
  '\ud800',
  'é',
  '%',
)
const NAMES = [
  'accept',
  'accept-language',
  'authorization',
  'content-type',
  'cookie',
  'host',
  'origin',
  'referer',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'upgrade',
  'user-agent',
  'x-forwarded-client-cert',
  'x-forwarded-for',
  'x-pomerium-authorization',
  'x-requested-with',
  'access-control-request-method',
  'access-control-request-headers',
  'x-request-id',
  'x_y',
  'x.y',
  '__proto__',
  'constructor',
] as const
const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS', 'CONNECT', 'TRACE', 'get', 'LIST', '', '*'] as const

describe('whatever a client sends', () => {
  for (const [index, { from }] of ROUTES.entries()) {
    it(`is no bug of a check, at ${from}`, async () => {
      const config = configOf(ROUTES, {
        cookie_domain: 'example.com',
        xff_num_trusted_hops: 1,
        jwt_claims_headers: { 'X-Email': 'email' },
        identity_providers: { ci: { issuer: 'https://ci.example.com', audiences: ['app'] } },
      })
      const routeId = config.routes[index]?.id ?? ''
      const bearer = { session: () => ({ problem: 'it is not one' }) }
      using fixture = authorizerFor(config, { ports: { bearer } })
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(HOSTS, fc.constant('app.example.com')),
          fc.oneof(PATHS, fc.constant('/')),
          fc.constantFrom(...METHODS),
          fc.dictionary(fc.constantFrom(...NAMES), VALUES, { maxKeys: 5 }),
          async (host, path, method, headers) => {
            const answer = await fixture.ask({ host, path, method, headers, routeId })
            if (!answer.isAllowed) assert.notEqual(answer.status, 500)
          },
        ),
        { numRuns: 1500 },
      )
    })
  }
})
