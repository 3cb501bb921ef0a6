import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/parse.ts'
import { loadProtos } from '../gen/protos.ts'
import { type DeltaResponse, openStream, type StreamState, step } from './ads/delta.ts'
import { ResponseEncoder } from './ads/encoder.ts'
import { type Snapshot, shortNameOf, TYPE_URL, type TypeUrl } from './ads/resource.ts'
import { buildSnapshot } from './resources/snapshot.ts'

const ROUTES = 10_000

function configOf(generation: number, lastRoute: string, lastPort = 9, policies = '{}'): Config {
  const routes = Array.from({ length: ROUTES }, (_, index) => {
    const isLast = index === ROUTES - 1
    const to = `http://127.0.0.1:${isLast ? lastPort : 10_000 + index}`
    return `  - {from: 'https://app${index}.example.com', to: '${to}'${isLast ? lastRoute : ''}}`
  })
  const parsed = parseConfig(
    ['insecure_server: true', `policies: ${policies}`, 'routes:', ...routes].join('\n'),
    {
      generation,
    },
  )
  assert.ok('config' in parsed)
  return parsed.config
}

const snapshotOf = (config: Config): Snapshot => buildSnapshot(config, { certificates: [], trustedRoots: '' })

describe('ten thousand routes', () => {
  let encoder: ResponseEncoder
  let state: StreamState

  const take = (next: ReturnType<typeof step>): readonly DeltaResponse[] => {
    state = next.state
    return next.responses
  }
  const request = (typeUrl: TypeUrl, subscribe: readonly string[], responseNonce = '') =>
    take(
      step(state, {
        kind: 'request',
        request: {
          typeUrl,
          subscribe,
          unsubscribe: [],
          initialVersions: {},
          responseNonce,
          errorDetail: undefined,
        },
      }),
    )

  /** Applies a snapshot, accepting everything; what was sent, as type, resources and bytes. */
  const apply = (snapshot: Snapshot) => {
    const sent: [type: string, resources: number, bytes: number][] = []
    let open = [...take(step(state, { kind: 'snapshot', snapshot }))]
    for (let response = open.shift(); response !== undefined; response = open.shift()) {
      const { typeUrl, resources, nonce } = response
      sent.push([shortNameOf(typeUrl), resources.length, encoder.encode(response).length])
      open = [...open, ...request(typeUrl, [], nonce)]
    }
    return sent
  }

  before(() => {
    const protos = loadProtos()
    encoder = new ResponseEncoder((name) => protos.type(name))
    const first = snapshotOf(configOf(1, ''))
    state = openStream(first)
    const names = [...(first.resources.get(TYPE_URL.endpoints)?.keys() ?? [])]
    for (const [typeUrl, subscribe] of [
      [TYPE_URL.cluster, []],
      [TYPE_URL.endpoints, names],
      [TYPE_URL.listener, []],
      [TYPE_URL.routes, ['main']],
      [TYPE_URL.virtualHost, []],
    ] as const) {
      for (const response of request(typeUrl, subscribe)) {
        encoder.encode(response)
        request(typeUrl, [], response.nonce)
      }
    }
  })

  it('and one whose headers change: one virtual host of under 2 kB is sent, and nothing else packed', () => {
    const packed = encoder.packedCount
    const sent = apply(snapshotOf(configOf(2, ", set_response_headers: {X-New: 'a'}")))
    assert.deepEqual(
      sent.map(([type, resources]) => [type, resources]),
      [['VirtualHost', 1]],
    )
    assert.ok((sent[0]?.[2] ?? Number.POSITIVE_INFINITY) < 2000)
    assert.equal(encoder.packedCount - packed, 1)
  })

  it('and one whose policy or tests change: nothing is sent at all', () => {
    for (const policy of ['allowed_users: [alice]', 'tests: [{who: anonymous, expect: deny}]']) {
      assert.deepEqual(apply(snapshotOf(configOf(3, `, set_response_headers: {X-New: 'a'}, ${policy}`))), [])
    }
  })

  it('and policies that routes share change: nothing is sent at all', () => {
    const shared = '{staff: {allowed_users: [alice]}}'
    assert.deepEqual(apply(snapshotOf(configOf(3, ", set_response_headers: {X-New: 'a'}", 9, shared))), [])
  })

  it('and one whose upstream moves: its endpoints and its virtual host are sent, not its cluster', () => {
    const sent = apply(snapshotOf(configOf(4, ", set_response_headers: {X-New: 'a'}", 10)))
    assert.deepEqual(
      sent.map(([type, resources]) => [type, resources]),
      [
        ['ClusterLoadAssignment', 1],
        ['VirtualHost', 1],
      ],
    )
    assert.ok(sent.every(([, , bytes]) => bytes < 2000))
  })
})
