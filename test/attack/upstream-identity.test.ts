/**
 * Clients that say who they are: in every header that the configuration gives a meaning, and in the headers
 * by which a Kubernetes API takes one user for another.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { HeaderList } from '../harness/raw-http.ts'
import { until } from '../harness/until.ts'
import { assertRefused, openTarget, VERSIONS } from './target.ts'

const MARK = 'forged-by-the-client'
const CLAIM_HEADERS = {
  'X-User-Email': 'email',
  'X-Odd.Name_Here': 'department',
  'X-Groups': 'groups',
  Authorization2: 'missing',
} as const

const target = await openTarget({ jwt_claims_headers: CLAIM_HEADERS })
after(() => target[Symbol.asyncDispose]())
const { stack, fire, staff } = target
const { upstream, url } = stack
await stack.edit({
  routes: [
    {
      from: url('app', ''),
      to: upstream.url,
      policy: { allow: { and: [{ groups: { has: 'staff' } }] } },
      allow_websockets: true,
    },
    {
      from: url('api', ''),
      to: upstream.url,
      policy: { allow: { and: [{ groups: { has: 'staff' } }] } },
      kubernetes_service_account_token: 'service-account-token',
      pass_identity_headers: false,
    },
    {
      from: url('public', ''),
      to: upstream.url,
      allow_public_unauthenticated_access: true,
      pass_identity_headers: false,
    },
    {
      from: url('wiki', ''),
      to: upstream.url,
      allow_public_unauthenticated_access: true,
      pass_identity_headers: 'minimal',
    },
    { from: url('lab', ''), to: upstream.url, allow_public_unauthenticated_access: true },
    {
      from: url('other', ''),
      to: upstream.url,
      policy: { allow: { and: [{ accept: true }] } },
      kubernetes_service_account_token: 'service-account-token',
    },
  ],
})
await until(async () => (await fire({ host: 'lab', path: '/x' }, '1.1')).status === 200, {
  what: 'the routes to be there',
})

const cookie = (host: string): HeaderList => (staff[host] === undefined ? [] : [['cookie', staff[host]]])
const mixed = (name: string): string => name.replaceAll(/\b\w/g, (letter) => letter.toUpperCase())
const formsOf = (name: string): HeaderList[] => [
  [[name, MARK]],
  [[mixed(name), MARK]],
  [[name.toUpperCase(), MARK]],
  [
    [name, MARK],
    [name, `${MARK}2`],
  ],
]

describe('a configured claim header of the client', () => {
  for (const version of VERSIONS) {
    for (const host of ['app', 'public', 'wiki', 'lab']) {
      it(`never reaches the app at ${host} over HTTP/${version}, in any form`, async () => {
        for (const name of [
          ...Object.keys(CLAIM_HEADERS),
          'x-pomerium-claim-groups',
          'x-pomerium-jwt-assertion',
        ]) {
          for (const form of formsOf(name)) {
            const hit = await fire({ host, path: '/x', headers: [...cookie(host), ...form] }, version)
            assert.ok(!JSON.stringify(hit.seen).includes(MARK), `${name} reached the app`)
            if (hit.status !== 200) assertRefused(hit)
          }
        }
      })
    }
  }
})

describe('impersonation that a client asks for on the route of a Kubernetes API', () => {
  const NAMES = [
    'impersonate-user',
    'impersonate-group',
    'impersonate-uid',
    'impersonate-extra-scopes',
    'impersonate-extra-anything%2fat.all',
    'x-remote-user',
    'x-remote-group',
    'x-remote-extra-scopes',
    'x-pomerium-impersonate-groups',
    'authorization',
  ]
  for (const version of VERSIONS) {
    it(`is taken off over HTTP/${version}, and what the check says is there once`, async () => {
      for (const name of NAMES) {
        for (const form of formsOf(name)) {
          const hit = await fire({ host: 'api', path: '/x', headers: [...cookie('api'), ...form] }, version)
          assert.equal(hit.status, 200, name)
          const [seen] = hit.seen
          assert.ok(!JSON.stringify(seen).includes(MARK), `${name} reached the API`)
          const { rawHeaders = [] } = seen ?? {}
          const lines = rawHeaders.flatMap((header, index) =>
            index % 2 === 0 && /^(?:impersonate-|authorization$|x-remote-|x-pomerium-)/i.test(header)
              ? [`${header.toLowerCase()}: ${rawHeaders[index + 1]}`]
              : [],
          )
          assert.deepEqual(lines.toSorted(), [
            'authorization: Bearer service-account-token',
            'impersonate-group: everyone',
            'impersonate-group: staff',
            'impersonate-user: alice@example.com',
          ])
        }
      }
    })

    it(`does nothing for a stranger over HTTP/${version}, even where the policy lets everybody in`, async () => {
      for (const name of NAMES) {
        for (const host of ['api', 'other'])
          assertRefused(await fire({ host, path: '/x', headers: [[name, MARK]] }, version))
      }
      assertRefused(await fire({ host: 'other', path: '/x' }, version))
    })
  }

  it('is taken off upgrades as well', async () => {
    const upgrade: HeaderList = [
      ['connection', 'upgrade'],
      ['upgrade', 'websocket'],
      ['sec-websocket-version', '13'],
      ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ...NAMES.map((name) => [name, MARK] as const),
    ]
    const hit = await fire({ host: 'api', path: '/ws', headers: [...cookie('api'), ...upgrade] }, '1.1')
    assert.equal(hit.status, 101)
    assert.ok(!JSON.stringify(hit.seen).includes(MARK))
    assert.equal(hit.seen[0]?.headers['impersonate-user'], 'alice@example.com')
  })

  it('does not reach the app on other routes either: one of them may lead to such an API too', async () => {
    const hit = await fire({ host: 'public', path: '/x', headers: [['impersonate-user', MARK]] }, '1.1')
    assert.equal(hit.seen.length, 1)
    assert.equal(hit.seen[0]?.headers['impersonate-user'], undefined)
  })
})

describe('a Connection header that names what the check sets', () => {
  const NAMED = 'authorization, Impersonate-User, impersonate-group, x-pomerium-jwt-assertion'
  const UPGRADE: HeaderList = [
    ['connection', `keep-alive, Upgrade, ${NAMED}`],
    ['connection', NAMED],
    ['upgrade', 'websocket'],
    ['sec-websocket-version', '13'],
    ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ]

  for (const [host, name] of [
    ['api', 'impersonate-user'],
    ['app', 'x-pomerium-jwt-assertion'],
  ] as const) {
    it(`does not reach ${host}, where a further proxy would heed it`, async () => {
      const plain: HeaderList = [['connection', `keep-alive, ${NAMED}`]]
      for (const [path, headers, status, connection] of [
        ['/x', plain, 200, undefined],
        ['/ws', UPGRADE, 101, 'upgrade'],
      ] as const) {
        const hit = await fire({ host, path, headers: [...cookie(host), ...headers] }, '1.1')
        assert.equal(hit.status, status)
        assert.ok(hit.seen[0]?.headers[name])
        assert.equal(hit.seen[0]?.headers['connection'], connection)
      }
    })
  }
})
