import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/parse.ts'
import type { ConfigSource } from '../config/watch.ts'
import { followProvider } from './current-provider.ts'

const WITH_PROVIDER = `
authenticate_service_url: https://authenticate.example.com
idp_provider: oidc
idp_provider_url: https://idp.example.com
idp_client_id: one
idp_client_secret: secret
routes: []
`

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
    status: { generation: 1, checksum: '', loadedAt: 0 },
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

describe('the provider of the configuration in force', () => {
  it('is there when the configuration names one, and only then', async () => {
    await using without = followProvider({ config: source('routes: []'), trustedCa: [], logger })
    assert.equal(without.current, undefined)
    await using named = followProvider({ config: source(WITH_PROVIDER), trustedCa: [], logger })
    assert.notEqual(named.current, undefined)
  })

  it('stays the same object while only other keys change', async () => {
    const config = source(WITH_PROVIDER)
    await using provider = followProvider({ config, trustedCa: [], logger })
    const before = provider.current
    config.change(`${WITH_PROVIDER}log_level: debug\n`)
    assert.equal(provider.current, before)
  })

  it('is replaced when its settings change, with an id of its own for another client', async () => {
    const config = source(WITH_PROVIDER)
    await using provider = followProvider({ config, trustedCa: [], logger })
    const before = provider.current
    config.change(WITH_PROVIDER.replace('secret\n', 'other\n'))
    assert.notEqual(provider.current, before)
    assert.equal(provider.current?.id, before?.id)
    config.change(WITH_PROVIDER.replace('client_id: one', 'client_id: two'))
    assert.notEqual(provider.current?.id, before?.id)
  })

  it('goes when the configuration names none any more', async () => {
    const config = source(WITH_PROVIDER)
    await using provider = followProvider({ config, trustedCa: [], logger })
    config.change('routes: []')
    assert.equal(provider.current, undefined)
  })
})
