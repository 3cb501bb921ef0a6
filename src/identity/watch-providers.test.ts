import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { ConfigSource } from '../config/file/watch.ts'
import { Fault } from '../errors.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import type { OpenProvider, ProviderStatus } from './provider.ts'
import { providerTrouble, watchProviders } from './watch-providers.ts'

const NOT_A_DOCUMENT = 'it answered with text/html, not a discovery document'

/** Well or not, as a test says. */
function played(name: string) {
  let trouble: Fault | undefined
  let status: ProviderStatus = { state: 'idle' }
  const asked: number[] = []
  const provider = {
    name,
    id: `id-of-${name}`,
    get status() {
      return status
    },
    async check() {
      asked.push(asked.length)
      await Promise.resolve()
      status = { state: 'ready' }
      if (trouble === undefined) return
      const state = trouble.code === 'IDP_UNREACHABLE' ? 'unreachable' : 'invalid'
      status = { state, lastFault: { at: 0, message: trouble.message } }
      throw trouble
    },
  } as OpenProvider
  return { provider, asked, fail: (fault: Fault | undefined) => void (trouble = fault) }
}

function world(first: readonly OpenProvider[]) {
  let all = first
  let changed: (() => void) | undefined
  const waits: { readonly ms: number; readonly work: () => void }[] = []
  const lines: string[] = []
  const metrics = createMetrics({ version: '0' })
  const config = {
    onGeneration(listener: () => void) {
      changed = listener
      return { [Symbol.dispose]: () => void (changed = undefined) }
    },
  } as unknown as ConfigSource
  const providers = {
    get all() {
      return all
    },
  }
  const log = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const watching = watchProviders({
    config,
    providers,
    logger: { info: log, warn: log },
    meter: metrics.meter,
    timers: {
      after(ms, work) {
        const wait = { ms, work }
        waits.push(wait)
        return { [Symbol.dispose]: () => void waits.splice(waits.indexOf(wait), 1) }
      },
    },
  })
  return {
    watching,
    providers,
    lines,
    metrics,
    waits,
    change(next: readonly OpenProvider[]) {
      all = next
      changed?.()
    },
    /** Until the next wait, and what is asked after it. */
    async step(): Promise<number> {
      await setImmediate()
      const wait = waits.shift() ?? assert.fail('nothing is waited for')
      wait.work()
      await setImmediate()
      return wait.ms
    },
    async [Symbol.asyncDispose]() {
      watching[Symbol.dispose]()
      await metrics[Symbol.asyncDispose]()
    },
  }
}

describe('the watch over identity providers', () => {
  it('asks at once, and tells a provider that stays unwell once for each trouble', async () => {
    const one = played('one')
    one.fail(new Fault('IDP_ANSWER_INVALID', NOT_A_DOCUMENT))
    await using w = world([one.provider])
    const pauses = [await w.step(), await w.step(), await w.step(), await w.step()]
    assert.deepEqual(pauses, [2000, 4000, 8000, 16_000])
    assert.equal(one.asked.length, 5)
    assert.equal(w.lines.length, 1)
    assert.match(w.lines[0] ?? '', /nobody can sign in.*text\/html, not a discovery document/)
    assert.equal(providerTrouble(w.providers), `one is invalid: ${NOT_A_DOCUMENT}`)
    assert.match(await w.metrics.render(), /sallyport_identity_provider_ready\{[^}]*provider="one"[^}]*\} 0/)
    one.fail(undefined)
    await w.step()
    assert.match(w.lines[1] ?? '', /well again/)
    assert.equal(providerTrouble(w.providers), undefined)
    assert.match(await w.metrics.render(), /sallyport_identity_provider_ready\{[^}]*provider="one"[^}]*\} 1/)
    assert.equal(await w.step(), 300_000)
    one.fail(new Fault('IDP_UNREACHABLE', 'gone'))
    await w.step()
    assert.equal(providerTrouble(w.providers), 'one is unreachable: gone')
    assert.equal(w.lines.length, 2, 'one failure may be a hiccup, or our own Envoy that is not up yet')
    await w.step()
    assert.equal(w.lines.length, 3)
  })

  it('never waits longer than five minutes', async () => {
    const one = played('one')
    one.fail(new Fault('IDP_UNREACHABLE', 'down'))
    await using w = world([one.provider])
    let pause = 0
    for (let times = 0; times < 30; times += 1) pause = await w.step()
    assert.equal(pause, 300_000)
  })

  it('follows the configuration: asks what comes, leaves what goes and what stays', async () => {
    const [one, two] = [played('one'), played('two')]
    await using w = world([one.provider])
    await setImmediate()
    w.change([one.provider, two.provider])
    await setImmediate()
    assert.deepEqual([one.asked.length, two.asked.length, w.waits.length], [1, 1, 2])
    w.change([two.provider])
    assert.equal(w.waits.length, 1)
    w.watching[Symbol.dispose]()
    assert.equal(w.waits.length, 0)
  })
})
