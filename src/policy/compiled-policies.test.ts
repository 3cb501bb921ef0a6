import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { policyMistakes } from '../access/tests/config-check.ts'
import type { Config, Route, Settings } from '../config/config.ts'
import { ParseMemory } from '../config/file/parse-memory.ts'
import { parseConfig } from '../config/parse.ts'
import { policyOf } from './compiled-policies.ts'

const PEOPLE = `authenticate_service_url: https://authenticate.test
idp_provider: oidc
idp_provider_url: https://idp.test
idp_client_id: client
idp_client_secret: secret
`
const ROUTES = `routes:
  - from: https://a.test
    to: http://a
    allowed_domains: [corp.test]
  - from: https://b.test
    to: http://b
    policy: [{ allow: { and: [{ accept: true }] } }]
`

function read(text: string, memory?: ParseMemory): Config {
  const parsed = parseConfig(text, { checks: [policyMistakes], ...(memory && { memory }) })
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return parsed.config
}

function first({ routes }: Config): Route {
  const [route] = routes
  assert.ok(route)
  return route
}

describe('the policies of a configuration', () => {
  it('are compiled once, however many ask', () => {
    const config = read(PEOPLE + ROUTES)
    assert.equal(policyOf(config, first(config)), policyOf(config, first(config)))
  })

  it('stay compiled when a route is edited that is not theirs', () => {
    const memory = new ParseMemory()
    const before = read(PEOPLE + ROUTES, memory)
    const after = read(PEOPLE + ROUTES.replace('accept', 'reject'), memory)
    assert.notEqual(before, after)
    assert.equal(policyOf(before, first(before)), policyOf(after, first(after)))
  })

  it('stay compiled when a route above them moves them down', () => {
    const memory = new ParseMemory()
    const before = read(PEOPLE + ROUTES, memory)
    const added = "routes:\n  - { from: 'https://new.test', to: 'http://n' }\n"
    const after = read(PEOPLE + ROUTES.replace('routes:\n', added), memory)
    const moved = after.routes[1] ?? assert.fail()
    assert.equal(moved.position.line, first(before).position.line + 1)
    assert.equal(policyOf(after, moved), policyOf(before, first(before)))
  })

  it('are compiled anew when what they share has changed', () => {
    const config = read(PEOPLE + ROUTES)
    const settings: Settings = { ...config.settings, geoip: { databases: ['geo.mmdb'] } }
    const other: Config = { ...config, settings }
    assert.notEqual(policyOf(config, first(config)), policyOf(other, first(other)))
  })
})
