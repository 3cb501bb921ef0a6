import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import protobuf from 'protobufjs'
import { loadProtos } from '../../gen/protos.ts'
import { Packer, type TypedJson } from './pack.ts'

const protos = loadProtos()
const packer = new Packer((name) => protos.type(name))
const CLUSTER = 'envoy.config.cluster.v3.Cluster'

/** What a protobuf reader that knows nothing of our packer sees. */
const readBack = (json: TypedJson, name: string): Record<string, unknown> => {
  const type = protos.type(name)
  return type.toObject(type.decode(packer.pack(json)), { longs: Number, enums: String, defaults: false })
}

const cluster = (fields: Omit<TypedJson, '@type'>): Record<string, unknown> =>
  readBack({ '@type': `type.googleapis.com/${CLUSTER}`, ...fields }, CLUSTER)

describe('the packer of resources in JSON form', () => {
  it('reads durations, wrappers and enums as Envoy documents them', () => {
    assert.deepEqual(
      cluster({
        name: 'a',
        connect_timeout: '1.5s',
        per_connection_buffer_limit_bytes: 32_768,
        lb_policy: 'RING_HASH',
        wait_for_warm_on_init: false,
      }),
      {
        name: 'a',
        connect_timeout: { seconds: 1, nanos: 500_000_000 },
        per_connection_buffer_limit_bytes: { value: 32_768 },
        lb_policy: 'RING_HASH',
        wait_for_warm_on_init: { value: false },
      },
    )
  })

  it('keeps a wrapper of zero apart from none at all', () => {
    assert.deepEqual(
      cluster({ name: 'a', per_connection_buffer_limit_bytes: 0 })['per_connection_buffer_limit_bytes'],
      {
        value: 0,
      },
    )
  })

  it('packs what "@type" names, at any depth', () => {
    const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
    const packed = cluster({
      name: 'a',
      typed_extension_protocol_options: {
        [options]: {
          '@type': `type.googleapis.com/${options}`,
          explicit_http_config: { http2_protocol_options: {} },
        },
      },
    })
    const any = packed['typed_extension_protocol_options'] as Record<
      string,
      { type_url: string; value: Uint8Array }
    >
    assert.equal(any[options]?.type_url, `type.googleapis.com/${options}`)
    const type = protos.type(options)
    assert.deepEqual(type.toObject(type.decode(any[options]?.value ?? new Uint8Array())), {
      explicit_http_config: { http2_protocol_options: {} },
    })
  })

  it('writes a Struct with every kind of value', () => {
    const metadata = { a: 'text', b: 2.5, c: true, d: null, e: ['x', { f: 1 }] }
    const bytes = packer.pack({
      '@type': 'type.googleapis.com/envoy.config.core.v3.Metadata',
      filter_metadata: { key: metadata },
    })
    const type = protos.type('envoy.config.core.v3.Metadata')
    const value = type.decode(bytes).toJSON() as { filter_metadata: { key: unknown } }
    assert.deepEqual(value.filter_metadata.key, {
      fields: {
        a: { stringValue: 'text' },
        b: { numberValue: 2.5 },
        c: { boolValue: true },
        d: { nullValue: 'NULL_VALUE' },
        e: {
          listValue: {
            values: [{ stringValue: 'x' }, { structValue: { fields: { f: { numberValue: 1 } } } }],
          },
        },
      },
    })
  })

  it('leaves out fields that are undefined', () => {
    assert.deepEqual(cluster({ name: 'a', connect_timeout: undefined }), { name: 'a' })
  })

  for (const [problem, fields] of [
    ['a field that the message does not have', { nmae: 'a' }],
    ['a field that only looks inherited', { constructor: {} }],
    ['an unknown enum value', { lb_policy: 'ROUND_ROBBIN' }],
    ['a duration in another form', { connect_timeout: '1m' }],
    ['a number where a text belongs', { name: 1 }],
    ['a text where a number belongs', { per_connection_buffer_limit_bytes: '1' }],
    ['a fraction where a whole number belongs', { per_connection_buffer_limit_bytes: 1.5 }],
    ['one value where a list belongs', { health_checks: {} }],
  ] satisfies [string, Omit<TypedJson, '@type'>][]) {
    it(`refuses ${problem}`, () => {
      assert.throws(() => cluster(fields), TypeError)
    })
  }

  it('writes bytes that protobufjs writes too', () => {
    const type = protos.type('google.protobuf.Duration')
    assert.ok(type instanceof protobuf.Type)
    assert.deepEqual(
      Buffer.from(
        packer.pack({ '@type': `type.googleapis.com/${CLUSTER}`, name: 'a', connect_timeout: '3s' }),
      ),
      Buffer.from(
        protos
          .type(CLUSTER)
          .encode({ name: 'a', connect_timeout: { seconds: 3 } })
          .finish(),
      ),
    )
  })
})
