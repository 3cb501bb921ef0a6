/**
 * Asks the identity providers in the background how they are, so that a wrong address or a dead server is
 * known before anybody signs in.
 *
 * A provider that is not well makes nothing unready: whoever is signed in goes on.
 *
 * @module
 */
import type { ConfigSource } from '../config/file/watch.ts'
import { reasonOf } from '../errors.ts'
import type { Meter } from '../telemetry/metrics.ts'
import type { ProviderLogger } from './openid/asking.ts'
import type { OpenProvider } from './provider.ts'
import type { Providers } from './providers.ts'

export interface WatchOptions {
  readonly config: ConfigSource
  readonly providers: Pick<Providers, 'all'>
  readonly logger: ProviderLogger
  readonly meter: Meter
  readonly timers?: WatchTimers
}

export interface WatchTimers {
  /** Calls `work` once unless disposed before. */
  after(ms: number, work: () => void): Disposable
}

const WELL_AGAIN_MS = 300_000
const FIRST_RETRY_MS = 2000

/** Begins at once, and anew with each provider that a change of the configuration brings. */
export function watchProviders(options: WatchOptions): Disposable {
  const { config, providers, meter } = options
  const watched = new Map<OpenProvider, Disposable>()
  const follow = () => {
    const all = new Set(providers.all)
    for (const [provider, watching] of watched)
      if (!all.has(provider)) {
        watching[Symbol.dispose]()
        watched.delete(provider)
      }
    for (const provider of all)
      if (!watched.has(provider)) watched.set(provider, watchProvider(provider, options))
  }
  follow()
  const following = config.onGeneration(follow)
  meter
    .createObservableGauge('sallyport_identity_provider_ready', {
      description: '1 while an identity provider answers as it should, else 0.',
    })
    .addCallback((result) => {
      for (const { name, id, status } of providers.all)
        result.observe(status.state === 'ready' ? 1 : 0, { provider: name, provider_id: id })
    })
  return {
    [Symbol.dispose]() {
      following[Symbol.dispose]()
      for (const watching of watched.values()) watching[Symbol.dispose]()
    },
  }
}

/**
 * One sentence for all that are not well; `undefined` when none is. One that was not asked yet is no trouble.
 */
export function providerTrouble({ all }: Pick<Providers, 'all'>): string | undefined {
  const sentences = all.flatMap(({ name, status: { state, lastFault } }) =>
    state === 'unreachable' || state === 'invalid' ? `${name} is ${state}: ${lastFault?.message ?? ''}` : [],
  )
  return sentences.length === 0 ? undefined : sentences.join('; ')
}

function watchProvider(provider: OpenProvider, { logger, timers = realTimers }: WatchOptions): Disposable {
  let failures = 0
  let trouble: string | undefined
  let next: Disposable | undefined
  let isOver = false
  const ask = async (): Promise<void> => {
    try {
      await provider.check()
      if (trouble !== undefined) logger.info({ provider: provider.name }, 'identity provider is well again')
      trouble = undefined
      failures = 0
    } catch (error) {
      if (isOver) return
      const reason = reasonOf(error)
      failures += 1
      // Once for each trouble, not for each attempt. Not at the very first: a provider behind our own Envoy,
      // as in the demo, can't be reached before that is up.
      if (reason !== trouble && failures > 1)
        logger.warn(
          { provider: provider.name, err: reason },
          'nobody can sign in at an identity provider; whoever is signed in goes on',
        )
      if (failures > 1) trouble = reason
    }
    const pause =
      failures === 0 ? WELL_AGAIN_MS : Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), WELL_AGAIN_MS)
    if (!isOver) next = timers.after(pause, () => void ask())
  }
  void ask()
  return {
    [Symbol.dispose]() {
      isOver = true
      next?.[Symbol.dispose]()
    },
  }
}

const realTimers: WatchTimers = {
  after(ms, work) {
    const timer = setTimeout(work, ms).unref()
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  },
}
