import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { AuthorizationDefinition } from './envoy-api/envoy/service/auth/v3/Authorization.ts'
import type { AggregatedDiscoveryServiceDefinition } from './envoy-api/envoy/service/discovery/v3/AggregatedDiscoveryService.ts'
import { loadProtos } from './protos.ts'
import { RESOURCES, SERVICES } from './imports.ts'

const URL_PREFIX = 'type.googleapis.com/'
const HCM = `${URL_PREFIX}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`
const EXT_AUTHZ = `${URL_PREFIX}envoy.extensions.filters.http.ext_authz.v3.ExtAuthz`

describe('loadProtos', () => {
  it('packs and unpacks an Any inside an Any from its @type', () => {
    const listener = {
      name: 'https',
      filter_chains: [
        {
          filters: [
            {
              name: 'hcm',
              typed_config: {
                '@type': HCM,
                stat_prefix: 'https',
                http_filters: [
                  { name: 'authz', typed_config: { '@type': EXT_AUTHZ, transport_api_version: 'V3' } },
                ],
              },
            },
          ],
        },
      ],
    }
    const type = loadProtos().type(`${URL_PREFIX}envoy.config.listener.v3.Listener`)
    const bytes = type.encode(type.fromObject(listener)).finish()
    assert.deepEqual(type.toObject(type.decode(bytes), { json: true, enums: String }), listener)
  })

  it('resolves every message that may stand in an Any', () => {
    assert.doesNotThrow(() => loadProtos().root.resolveAll())
    for (const path of [...SERVICES, ...RESOURCES])
      assert.ok(existsSync(new URL(`../../proto/envoy-api/${path}`, import.meta.url)), path)
  })

  it('gives the check service as grpc-js wants it', () => {
    const { Check } = loadProtos('services').service<AuthorizationDefinition>(
      'envoy.service.auth.v3.Authorization',
    )
    assert.equal(Check.path, '/envoy.service.auth.v3.Authorization/Check')
    const bytes = Check.responseSerialize({ denied_response: { status: { code: 'Forbidden' } } })
    const answer = Check.responseDeserialize(bytes)
    assert.equal(answer.http_response, 'denied_response')
    assert.equal(answer.denied_response?.status?.code, 'Forbidden')
  })

  it('gives the discovery stream as bidirectional, with delta beside it', () => {
    const { DeltaAggregatedResources: delta } = loadProtos('services').service<
      AggregatedDiscoveryServiceDefinition
    >('envoy.service.discovery.v3.AggregatedDiscoveryService')
    assert.deepEqual([delta.requestStream, delta.responseStream], [true, true])
    const request = delta.requestDeserialize(delta.requestSerialize({ response_nonce: '7' }))
    assert.equal(request.response_nonce, '7')
  })
})
