import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadProtos } from '../gen/protos.ts'
import { BROWSER, SCRIPT } from './answers/response-format.fixture.ts'
import { ALICE, authorizerFor, BOB, configOf, cookieOf, STAFF_ROUTE } from './authorizer.fixture.ts'

const RESPONSE = loadProtos('services').type('envoy.service.auth.v3.CheckResponse')
const APPEND = 0

interface Denied {
  readonly denied_response: {
    readonly status: { readonly code: number }
    readonly headers: readonly {
      readonly header: { readonly key: string; readonly value: string }
      readonly append_action?: number
    }[]
  }
}

async function cookiesSet(settings: object, cookie: string, requester: Record<string, string>) {
  using fixture = authorizerFor(configOf([STAFF_ROUTE], settings))
  const bytes = await fixture.bytes({ path: '/deep/page?x=1', headers: { ...requester, cookie } })
  const { denied_response: denied } = RESPONSE.toObject(RESPONSE.decode(bytes)) as Denied
  assert.equal(denied.status.code, 400)
  return denied.headers.filter(({ header }) => header.key === 'set-cookie')
}

describe('a session that a neighbour of the cookie domain has planted beside the visitor’s', () => {
  const both = `${cookieOf(BOB, 'example.com')}; ${cookieOf(ALICE, 'example.com')}`

  for (const [kind, requester] of Object.entries({ browser: BROWSER, script: SCRIPT }))
    it(`is taken away with the answer to a ${kind}, and the visitor’s own stays`, async () => {
      const set = await cookiesSet({ cookie_domain: 'example.com' }, both, requester)
      const lines = set.map(({ header }) => header.value)
      assert.ok(lines.includes('_pomerium=; Path=/deep; Max-Age=0; Domain=example.com; Secure; HttpOnly'))
      assert.ok(lines.every((line) => line.startsWith('_pomerium=; Path=/') && line.includes('Max-Age=0')))
      assert.ok(!lines.some((line) => /Path=\/;.*Domain=example\.com/.test(line)))
      assert.ok(set.every(({ append_action: action = APPEND }) => action === APPEND))
    })

  it('is nothing that another host can do where each host has a cookie of its own', async () => {
    const own = `${cookieOf(BOB)}; ${cookieOf(ALICE)}`
    assert.deepEqual(await cookiesSet({}, own, BROWSER), [])
  })
})
