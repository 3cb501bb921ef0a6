import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Config } from '../config/config.ts'
import type { ConfigSource } from '../config/file/watch.ts'
import { parseConfig } from '../config/parse.ts'
import { followProviders } from './providers.ts'

const HEAD = `
authenticate_service_url: https://authenticate.example.com
`
const PLAIN = `
idp_provider: oidc
idp_provider_url: https://idp.example.com
idp_client_id: one
idp_client_secret: secret
`
const PARTNERS = `
sign_in_providers:
  partners: {provider: okta, provider_url: 'https://partners.okta.com', client_id: two, client_secret: secret, label: Partner account}
`
const ROUTES = `
routes:
  - {from: 'https://any.example.com', to: 'http://127.0.0.1:1'}
  - {from: 'https://wiki.example.com', to: 'http://127.0.0.1:1', sign_in_providers: [partners]}
  - {from: 'https://payroll.example.com', to: 'http://127.0.0.1:1', idp_client_id: payroll, idp_client_secret: other}
`
const ALL = HEAD + PLAIN + PARTNERS + ROUTES

function configOf(text: string): Config {
  const parsed = parseConfig(text)
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return parsed.config
}

/** A configuration that is changed by hand. */
function source(text: string): ConfigSource & { change(text: string): void } {
  const listeners = new Set<(config: Config) => void>()
  let current = configOf(text)
  return {
    get current() {
      return current
    },
    status: { generation: 1, checksum: '', loadedAt: 0, state: 'good', warnings: [], unwatchedFolders: [] },
    onGeneration(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => listeners.delete(listener) }
    },
    change(next) {
      current = configOf(next)
      for (const listener of listeners) listener(current)
    },
    async [Symbol.asyncDispose]() {},
  }
}

const logger = { info() {}, warn() {} }
const follow = (config: ConfigSource) => followProviders({ config, trustedCa: [], logger })

describe('the providers of the configuration in force', () => {
  it('are there when the configuration names some, and only then', async () => {
    await using without = follow(source('routes: []'))
    assert.deepEqual([without.all, without.idsFor()], [[], []])
    await using named = follow(source(ALL))
    assert.deepEqual(
      named.all.map(({ name, label }) => [name, label]),
      [
        ['default', 'Single sign-on'],
        ['partners', 'Partner account'],
        ['default', 'Single sign-on'],
      ],
    )
  })

  it('count on a route as it says: all of them, those that it names, or its own client alone', async () => {
    const config = source(ALL)
    await using providers = follow(config)
    const [own, partners, payroll] = providers.all.map(({ id }) => id)
    assert.deepEqual(
      config.current.routes.map((route) => providers.idsFor(route)),
      [[own, partners], [partners], [payroll]],
    )
    assert.deepEqual(providers.idsFor(), [own, partners], 'a route’s own client is nobody’s choice elsewhere')
    assert.equal(providers.find(payroll ?? '')?.id, payroll)
    assert.equal(providers.find('another'), undefined)
  })

  it('stay the same objects while only other keys change', async () => {
    const config = source(ALL)
    await using providers = follow(config)
    const before = providers.all
    config.change(`${ALL}log_level: debug\n`)
    assert.equal(before.length, 3)
    for (const [index, provider] of providers.all.entries()) assert.equal(provider, before[index])
  })

  it('are replaced one by one when their settings change, with an id of its own for another client', async () => {
    const config = source(ALL)
    await using providers = follow(config)
    const [own, partners] = providers.all
    config.change(ALL.replace('secret\n', 'new\n'))
    assert.notEqual(providers.all[0], own)
    assert.equal(providers.all[0]?.id, own?.id)
    assert.equal(providers.all[1], partners)
    config.change(ALL.replace('client_id: two', 'client_id: three'))
    assert.notEqual(providers.all[1]?.id, partners?.id)
    assert.equal(providers.find(partners?.id ?? ''), undefined)
  })

  it('are asked for by routes anew in each generation', async () => {
    const config = source(ALL)
    await using providers = follow(config)
    const [route] = config.current.routes
    assert.ok(route)
    assert.equal(providers.idsFor(route).length, 2)
    config.change(HEAD + PARTNERS + ROUTES)
    assert.equal(providers.idsFor(route).length, 1, 'a route of the former generation too')
  })

  it('go when the configuration names none any more', async () => {
    const config = source(ALL)
    await using providers = follow(config)
    config.change('routes: []')
    assert.deepEqual([providers.all, providers.idsFor()], [[], []])
  })
})
