import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { RouteDraft } from '../keys/route-schema.ts'
import { SettingsKeys } from '../keys/settings-schema.ts'
import { parseConfig } from '../parse.ts'
import { isTextList, textListsOf } from './text-lists.ts'

const HEAD = `
authenticate_service_url: https://authenticate.example.com
idp_provider: oidc
idp_provider_url: https://idp.example.com
idp_client_id: a
idp_client_secret: b
`

function configOf(settings: string, route: string) {
  const parsed = parseConfig(`${HEAD}${settings}
routes:
- from: https://app.example.com
  to: http://127.0.0.1:1
  ${route.split('\n').join('\n  ')}
`)
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return parsed.config
}

describe('a list that is written as a text', () => {
  it('is the same as the list, for global keys and for keys of routes', () => {
    const [text, list] = [
      configOf(
        'idp_scopes: openid email groups\njwt_claims_headers: email,groups\naccess_log_fields: method, path',
        'allowed_users: alice@example.com , bob@example.com\nallowed_idp_claims: {groups: "staff, all", admin: true}\nremove_request_headers: x-one,x-two',
      ),
      configOf(
        'idp_scopes: [openid, email, groups]\njwt_claims_headers: [email, groups]\naccess_log_fields: [method, path]',
        'allowed_users: [alice@example.com, bob@example.com]\nallowed_idp_claims: {groups: ["staff, all"], admin: [true]}\nremove_request_headers: [x-one, x-two]',
      ),
    ]
    const known = ({ settings, routes }: typeof text) => ({
      settings,
      routes: routes.map((route) => ({ ...route, position: undefined })),
    })
    assert.deepEqual(known(text), known(list))
  })
  it('holds for every key of a list of texts that the schema has', () => {
    for (const schema of [SettingsKeys, RouteDraft]) {
      const keys = Object.entries(schema.shape).flatMap(([key, each]) => (isTextList(each) ? [key] : []))
      assert.ok(keys.length > 3, `only ${keys.join(', ')}`)
      const read = textListsOf(schema)
      for (const key of keys) assert.deepEqual(read({ [key]: 'a, b,' }), { [key]: ['a', 'b'] }, key)
    }
  })
  it('is nobody where the text is empty, and judged as a list otherwise', () => {
    assert.deepEqual(configOf('', "allowed_users: ''").routes[0]?.allowed_users, [])
    const parsed = parseConfig(`${HEAD}
idp_scopes: email profile
routes: []
`)
    assert.ok('problems' in parsed)
    assert.deepEqual(
      parsed.problems.map(({ line, message }) => [line, message]),
      [[8, 'must hold "openid"']],
    )
  })
  it('is found below lists, maps and alternatives, and leaves all other values as they are', () => {
    const schema = z.strictObject({
      entries: z.array(
        z.strictObject({ names: z.array(z.string()).optional(), free: z.string().optional() }),
      ),
      claims: z.record(z.string(), z.array(z.union([z.string(), z.number()]))),
      either: z.union([z.array(z.string()), z.record(z.string(), z.string())]).prefault([]),
      text: z.union([z.string(), z.array(z.string())]),
      word: z.union([z.array(z.string()), z.literal('unknown')]),
      numbers: z.array(z.number()),
      anything: z.array(z.unknown()),
    })
    const same = {
      text: 'a,b',
      word: 'unknown',
      numbers: '1,2',
      anything: 'a,b',
      entries: 'x',
      claims: ['x'],
    }
    const read = textListsOf(schema)
    assert.equal(read(same), same)
    assert.deepEqual(
      read({
        entries: [{ names: 'a,b', free: 'a,b' }, 7, null],
        claims: { one: 'a,b', two: 3 },
        either: 'a',
      }),
      {
        entries: [{ names: ['a', 'b'], free: 'a,b' }, 7, null],
        claims: { one: ['a,b'], two: [3] },
        either: ['a'],
      },
    )
  })
})
