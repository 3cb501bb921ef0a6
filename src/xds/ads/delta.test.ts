import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type DeltaResponse,
  isQuiet,
  isSettled,
  openStream,
  refusalsOf,
  type StreamState,
  step,
} from './delta.ts'
import { makeResource, makeSnapshot, type Snapshot, TYPE_URL, type TypeUrl } from './resource.ts'
import type { DeltaRequest } from './subscription.ts'

type Content = Partial<Record<keyof typeof TYPE_URL, Record<string, string>>>

const snapshotOf = (generation: number, content: Content): Snapshot =>
  makeSnapshot(
    generation,
    Object.entries(content).flatMap(([type, resources]) =>
      Object.entries(resources).map(([name, text]) => makeResource(typeUrlOf(type), name, { text })),
    ),
  )

const typeUrlOf = (type: string): TypeUrl => {
  const found = Object.entries(TYPE_URL).find(([name]) => name === type)?.[1]
  assert.ok(found)
  return found
}

/** An Envoy that answers as it is told, and shows what it was sent. */
class FakeEnvoy {
  #state: StreamState
  sent: DeltaResponse[] = []

  constructor(snapshot: Snapshot) {
    this.#state = openStream(snapshot)
  }

  get state(): StreamState {
    return this.#state
  }

  request(type: keyof typeof TYPE_URL, fields: Partial<DeltaRequest> = {}): DeltaResponse[] {
    return this.#take(
      step(this.#state, {
        kind: 'request',
        request: {
          typeUrl: TYPE_URL[type],
          subscribe: [],
          unsubscribe: [],
          initialVersions: {},
          responseNonce: '',
          errorDetail: undefined,
          ...fields,
        },
      }),
    )
  }

  update(snapshot: Snapshot): DeltaResponse[] {
    return this.#take(step(this.#state, { kind: 'snapshot', snapshot }))
  }

  /** A grace period passes. */
  period(): DeltaResponse[] {
    return this.#take(step(this.#state, { kind: 'period' }))
  }

  /** Answers the last response of a type. */
  answer(type: keyof typeof TYPE_URL, errorDetail?: string): DeltaResponse[] {
    const last = this.sent.findLast(({ typeUrl }) => typeUrl === TYPE_URL[type])
    assert.ok(last, `nothing was sent of ${type}`)
    return this.request(type, { responseNonce: last.nonce, errorDetail })
  }

  /** Subscribes to all that the snapshot has, and accepts it. */
  accept(...types: (keyof typeof TYPE_URL)[]): this {
    for (const type of types) {
      const isNamed = type === 'endpoints' || type === 'secret' || type === 'routes'
      const names = [...(this.#state.snapshot.resources.get(TYPE_URL[type])?.keys() ?? [])]
      if (this.request(type, isNamed ? { subscribe: names } : {}).length > 0) this.answer(type)
    }
    return this
  }

  #take({ state, responses }: ReturnType<typeof step>): DeltaResponse[] {
    this.#state = state
    this.sent.push(...responses)
    return [...responses]
  }
}

const shown = (responses: readonly DeltaResponse[]): unknown =>
  responses.map(({ typeUrl, resources, removed, absent }) => [
    Object.entries(TYPE_URL).find(([, url]) => url === typeUrl)?.[0],
    resources.map(({ name }) => name).join(' '),
    ...(removed.length === 0 ? [] : [`-${removed.join(' ')}`]),
    ...(absent.length === 0 ? [] : [`?${absent.join(' ')}`]),
  ])

const ONE = { cluster: { a: '1' }, endpoints: { a: '1' }, virtualHost: { h: '1' } }
const settled = (content: Content = ONE): FakeEnvoy =>
  new FakeEnvoy(snapshotOf(1, content)).accept('cluster', 'endpoints', 'virtualHost')

describe('the delta protocol', () => {
  it('sends everything to a first request without names, and nothing twice', () => {
    const envoy = new FakeEnvoy(snapshotOf(1, { cluster: { a: '1', b: '1' } }))
    assert.deepEqual(shown(envoy.request('cluster')), [['cluster', 'a b']])
    assert.deepEqual(envoy.answer('cluster'), [])
    assert.ok(isSettled(envoy.state))
  })

  it('answers the first request for everything even when there is nothing: Envoy waits for it to start', () => {
    const envoy = new FakeEnvoy(snapshotOf(1, {}))
    assert.deepEqual(shown(envoy.request('cluster')), [['cluster', '']])
    assert.deepEqual(envoy.answer('cluster'), [])
    assert.deepEqual(envoy.update(snapshotOf(2, {})), [])
  })

  it('sends what was asked for by name, and says at once what does not exist', () => {
    const envoy = new FakeEnvoy(snapshotOf(1, { endpoints: { a: '1', b: '1' } }))
    assert.deepEqual(shown(envoy.request('endpoints', { subscribe: ['a', 'z'] })), [['endpoints', 'a', '?z']])
    assert.deepEqual(envoy.answer('endpoints'), [])
  })

  it('sends a resource that comes to exist after it was asked for', () => {
    const envoy = new FakeEnvoy(snapshotOf(1, {}))
    envoy.request('endpoints', { subscribe: ['a'] })
    envoy.answer('endpoints')
    assert.deepEqual(shown(envoy.update(snapshotOf(2, { endpoints: { a: '1' } }))), [['endpoints', 'a']])
  })

  it('sends only what changed', () => {
    const envoy = settled({ cluster: { a: '1', b: '1' }, virtualHost: { h: '1', i: '1' } })
    assert.deepEqual(
      shown(envoy.update(snapshotOf(2, { cluster: { a: '1', b: '1' }, virtualHost: { h: '1', i: '2' } }))),
      [['virtualHost', 'i']],
    )
  })

  it('sends nothing that Envoy already has when it comes back', () => {
    const snapshot = snapshotOf(1, ONE)
    const version = snapshot.resources.get(TYPE_URL.cluster)?.get('a')?.version ?? ''
    const envoy = new FakeEnvoy(snapshot)
    assert.deepEqual(envoy.request('cluster', { initialVersions: { a: version } }), [])
    assert.deepEqual(shown(new FakeEnvoy(snapshot).request('cluster', { initialVersions: { a: 'old' } })), [
      ['cluster', 'a'],
    ])
  })

  it('tells an Envoy that comes back what vanished meanwhile', () => {
    const envoy = new FakeEnvoy(snapshotOf(1, ONE))
    assert.deepEqual(shown(envoy.request('virtualHost', { initialVersions: { h: 'old', gone: '1' } })), [
      ['virtualHost', 'h', '-gone'],
    ])
  })

  it('waits for the answer before it sends the same type again', () => {
    const envoy = new FakeEnvoy(snapshotOf(1, { cluster: { a: '1' } }))
    envoy.request('cluster')
    assert.deepEqual(envoy.update(snapshotOf(2, { cluster: { a: '2' } })), [])
    assert.deepEqual(shown(envoy.update(snapshotOf(3, { cluster: { a: '3' } }))), [])
    assert.deepEqual(shown(envoy.answer('cluster')), [['cluster', 'a']])
    assert.equal(envoy.sent.at(-1)?.generation, 3)
  })
})

describe('make before break', () => {
  const TWO = { cluster: { a: '1', b: '1' }, endpoints: { a: '1', b: '1' }, virtualHost: { h: '2' } }

  it('adds clusters, then their endpoints, then the routes that lead there', () => {
    const envoy = settled()
    assert.deepEqual(shown(envoy.update(snapshotOf(2, TWO))), [['cluster', 'b']])
    // Envoy asks for the endpoints before it answers, and answers when it has them.
    assert.deepEqual(shown(envoy.request('endpoints', { subscribe: ['b'] })), [['endpoints', 'b']])
    assert.deepEqual(envoy.answer('endpoints'), [])
    assert.deepEqual(shown(envoy.answer('cluster')), [['virtualHost', 'h']])
    assert.deepEqual(envoy.answer('virtualHost'), [])
    assert.ok(isSettled(envoy.state))
  })

  it('removes a cluster only when the routes no longer lead there', () => {
    const envoy = settled({ cluster: { a: '1', b: '1' }, virtualHost: { h: '1' } })
    assert.deepEqual(shown(envoy.update(snapshotOf(2, { cluster: { a: '1' }, virtualHost: { h: '2' } }))), [
      ['virtualHost', 'h'],
    ])
    assert.deepEqual(envoy.answer('virtualHost'), [])
    // A request that waits for its check may still be on its way there.
    assert.ok(isSettled(envoy.state))
    assert.deepEqual(envoy.period(), [])
    assert.deepEqual(shown(envoy.period()), [['cluster', '', '-b']])
    envoy.answer('cluster')
    assert.equal(envoy.state.subscriptions.get(TYPE_URL.cluster)?.held.has('b'), false)
  })

  it('keeps a cluster that came and vanished within a period, whatever waits longer', () => {
    const envoy = settled({ cluster: { a: '1', b: '1' } })
    envoy.update(snapshotOf(2, { cluster: { a: '1' } }))
    envoy.period()
    envoy.update(snapshotOf(3, { cluster: { a: '1', c: '1' } }))
    envoy.answer('cluster')
    envoy.update(snapshotOf(4, { cluster: { a: '1' } }))
    assert.deepEqual(shown(envoy.period()), [['cluster', '', '-b']])
    envoy.answer('cluster')
    assert.deepEqual(shown(envoy.period()), [['cluster', '', '-c']])
  })

  it('keeps a cluster that came back, and waits anew when it vanishes again', () => {
    const envoy = settled({ cluster: { a: '1', b: '1' } })
    envoy.update(snapshotOf(2, { cluster: { a: '1' } }))
    envoy.period()
    envoy.update(snapshotOf(3, { cluster: { a: '1', b: '1' } }))
    envoy.update(snapshotOf(4, { cluster: { a: '1' } }))
    assert.deepEqual(envoy.period(), [])
    assert.deepEqual(shown(envoy.period()), [['cluster', '', '-b']])
  })

  it('sends endpoints again after their cluster changed: it starts without', () => {
    const envoy = settled()
    assert.deepEqual(shown(envoy.update(snapshotOf(2, { ...ONE, cluster: { a: '2' } }))), [
      ['cluster', 'a'],
      ['endpoints', 'a'],
    ])
  })

  it('sends endpoints again to an Envoy that comes back and is sent their cluster anew', () => {
    const snapshot = snapshotOf(1, ONE)
    const versionOf = (type: 'cluster' | 'endpoints') =>
      snapshot.resources.get(TYPE_URL[type])?.get('a')?.version ?? ''
    const envoy = new FakeEnvoy(snapshot)
    envoy.request('cluster', { initialVersions: { a: 'old' } })
    const initialVersions = { a: versionOf('endpoints') }
    assert.deepEqual(shown(envoy.request('endpoints', { subscribe: ['a'], initialVersions })), [
      ['endpoints', 'a'],
    ])
  })

  it('sends endpoints again too when they were under way as their cluster changed', () => {
    const envoy = settled()
    envoy.update(snapshotOf(2, { ...ONE, endpoints: { a: '2' } }))
    const third = snapshotOf(3, { ...ONE, cluster: { a: '2' }, endpoints: { a: '2' } })
    assert.deepEqual(shown(envoy.update(third)), [['cluster', 'a']])
    assert.deepEqual(shown(envoy.answer('endpoints')), [['endpoints', 'a']])
  })

  it('keeps the cluster of a route that Envoy refused to change', () => {
    const envoy = settled({ cluster: { a: '1', b: '1' }, virtualHost: { h: '1' } })
    envoy.update(snapshotOf(2, { cluster: { a: '1' }, virtualHost: { h: 'bad' } }))
    assert.deepEqual(envoy.answer('virtualHost', 'bad route'), [])
    envoy.period()
    assert.deepEqual(envoy.period(), [])
    assert.deepEqual(shown(envoy.update(snapshotOf(3, { cluster: { a: '1' }, virtualHost: { h: '3' } }))), [
      ['virtualHost', 'h'],
    ])
    assert.deepEqual(shown(envoy.answer('virtualHost')), [['cluster', '', '-b']])
  })

  it('rotates a secret while clusters are still being answered', () => {
    const envoy = new FakeEnvoy(snapshotOf(1, { ...ONE, secret: { s: '1' } })).accept('cluster', 'secret')
    assert.deepEqual(shown(envoy.update(snapshotOf(2, { cluster: { a: '2' }, secret: { s: '2' } }))), [
      ['cluster', 'a'],
      ['secret', 's'],
    ])
  })
})

describe('a NACK', () => {
  it('leaves the last accepted version in force and is not answered with the same again', () => {
    const envoy = settled()
    envoy.update(snapshotOf(2, { ...ONE, virtualHost: { h: 'bad' } }))
    assert.deepEqual(envoy.answer('virtualHost', 'missing ]'), [])
    assert.deepEqual(envoy.update(snapshotOf(3, { ...ONE, virtualHost: { h: 'bad' } })), [])
    assert.deepEqual(refusalsOf(envoy.state), [
      { typeUrl: TYPE_URL.virtualHost, name: 'h', message: 'missing ]' },
    ])
    assert.equal(isSettled(envoy.state), false)
  })

  it('of a secret is about that secret alone: Envoy would take it without effect when it came again', () => {
    const envoy = new FakeEnvoy(snapshotOf(1, { secret: { s: '1', t: '1', u: '1' } }))
    assert.deepEqual(shown(envoy.request('secret', { subscribe: ['s', 't', 'u'] })), [['secret', 's']])
    assert.deepEqual(shown(envoy.answer('secret')), [['secret', 't']])
    assert.deepEqual(shown(envoy.answer('secret', 'bad list')), [['secret', 'u']])
    assert.deepEqual(shown(envoy.answer('secret')), [])
    assert.deepEqual(refusalsOf(envoy.state), [{ typeUrl: TYPE_URL.secret, name: 't', message: 'bad list' }])
  })

  it('is healed by the next good generation', () => {
    const envoy = settled()
    envoy.update(snapshotOf(2, { ...ONE, virtualHost: { h: 'bad' } }))
    envoy.answer('virtualHost', 'missing ]')
    assert.deepEqual(shown(envoy.update(snapshotOf(3, { ...ONE, virtualHost: { h: 'good' } }))), [
      ['virtualHost', 'h'],
    ])
    envoy.answer('virtualHost')
    assert.ok(isSettled(envoy.state))
    assert.deepEqual(refusalsOf(envoy.state), [])
  })

  it('is over when the configuration goes back to what Envoy holds', () => {
    const envoy = settled()
    envoy.update(snapshotOf(2, { ...ONE, virtualHost: { h: 'bad' } }))
    envoy.answer('virtualHost', 'missing ]')
    assert.deepEqual(envoy.update(snapshotOf(3, ONE)), [])
    assert.deepEqual(refusalsOf(envoy.state), [])
    assert.ok(isSettled(envoy.state))
  })

  it('of one resource holds up neither the others of its type nor other types', () => {
    const good = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`h${index}`, '1']))
    const envoy = new FakeEnvoy(snapshotOf(1, { cluster: {}, virtualHost: { ...good, h7: 'bad' } }))
    envoy.accept('cluster')
    let responses = envoy.request('virtualHost')
    for (let round = 0; round < 20 && responses.length > 0; round += 1) {
      const isBad = responses[0]?.resources.some(({ name }) => name === 'h7')
      responses = envoy.answer('virtualHost', isBad ? 'h7 is bad' : undefined)
    }
    assert.equal(envoy.state.subscriptions.get(TYPE_URL.virtualHost)?.held.size, 19)
    assert.deepEqual(refusalsOf(envoy.state), [
      { typeUrl: TYPE_URL.virtualHost, name: 'h7', message: 'h7 is bad' },
    ])
    assert.ok(isQuiet(envoy.state))
    assert.deepEqual(
      shown(envoy.update(snapshotOf(2, { cluster: { a: '1' }, virtualHost: { ...good, h7: 'bad' } }))),
      [['cluster', 'a']],
    )
  })

  it('drops what it was still trying when the snapshot has moved on', () => {
    const envoy = settled({ virtualHost: { h: '1', i: '1' } })
    envoy.update(snapshotOf(2, { virtualHost: { h: 'bad', i: '2' } }))
    assert.deepEqual(shown(envoy.answer('virtualHost', 'bad')), [['virtualHost', 'h']])
    envoy.update(snapshotOf(3, { virtualHost: { h: '3', i: '3' } }))
    assert.deepEqual(shown(envoy.answer('virtualHost', 'bad')), [['virtualHost', 'h i']])
    envoy.answer('virtualHost')
    assert.ok(isSettled(envoy.state))
  })
})
