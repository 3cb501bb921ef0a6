import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { routeProblems } from '../../problems.fixture.ts'
import { HEADERS_OF_KEYS } from './upstream-headers.ts'

type Key = keyof typeof HEADERS_OF_KEYS

/** Each key that sets a header, as a route would write it. */
const ON_A_ROUTE: Readonly<Record<Key, (header: string) => string>> = {
  set_request_headers: (header) => `set_request_headers: { ${header}: x }`,
  pass_idp_token: (header) => `pass_idp_token: { token: id_token, header: ${header} }`,
  upstream_token: (header) =>
    `upstream_token: { grant: token_exchange, audience: a, header: ${header}, token_url: https://i.example, client_id: c, client_secret: s }`,
  kubernetes_service_account_token: () => 'kubernetes_service_account_token: abc',
  enable_google_cloud_serverless_authentication: () => 'enable_google_cloud_serverless_authentication: true',
}
const KEYS = Object.keys(HEADERS_OF_KEYS) as Key[]
/** It moves to another header where an operator has placed one in `Authorization`. */
const isMoved = (placed: Key, other: Key) =>
  other === 'enable_google_cloud_serverless_authentication' && placed !== 'kubernetes_service_account_token'

describe('keys that set headers of the request', () => {
  it('never set one header twice, whichever two they are', () => {
    const pairs = KEYS.flatMap((one, at) => KEYS.slice(at + 1).map((other) => [one, other] as const))
    assert.ok(pairs.length >= 6)
    for (const [one, other] of pairs) {
      const header = isMoved(one, other) ? 'X-Serverless-Authorization' : 'AUTHORIZATION'
      const problems = routeProblems(ON_A_ROUTE[one](header), ON_A_ROUTE[other](header))
      assert.ok(
        problems.some((problem) =>
          problem.startsWith(`${other}: sets the header ${header.toLowerCase()}, as \`${one}\` does`),
        ),
        `${one}, ${other}: ${problems.join('; ')}`,
      )
    }
  })

  it('are named as they are written, in a file too', () => {
    assert.deepEqual(
      routeProblems(
        ON_A_ROUTE.pass_idp_token('authorization'),
        'kubernetes_service_account_token_file: token',
      ).filter((problem) => problem.includes('sets the header')),
      [
        'kubernetes_service_account_token_file: sets the header authorization, as `pass_idp_token` does; remove one of them',
      ],
    )
  })

  it('may set as many headers as there are keys', () => {
    assert.deepEqual(
      routeProblems(ON_A_ROUTE.set_request_headers('X-A'), ON_A_ROUTE.pass_idp_token('X-B')),
      [],
    )
  })
})
