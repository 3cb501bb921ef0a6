/**
 * How large the identity headers of each route have become, and a word in the log before an app refuses them.
 *
 * @module
 */
import type { AccessRoute } from '../access/route.ts'
import { certainGroupsOf, type Session } from '../session/session.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Meter } from '../telemetry/metrics.ts'
import type { HeaderSize } from './header.ts'
import type { IdentityHeaders } from './identity-headers.ts'

/** Routes that the metric tells apart; a series that was told once can't be taken back. */
const MOST_SERIES = 1000

/** Share of the limit from which it is told. */
const NEAR = 0.75

const LARGE_TOKEN = 8192

type Measured = Pick<IdentityHeaders, 'size' | 'fullSize' | 'limit' | 'removedGroups'>

export class HeaderBudget implements Disposable {
  readonly #logger: Logger
  readonly #stop: () => void
  /** Of the generation in force, by route id; of an earlier one 0. */
  readonly #largest = new Map<string, { bytes: number; readonly from: string }>()
  readonly #reported = new Set<string>()

  constructor(meter: Meter, logger: Logger) {
    this.#logger = logger
    const gauge = meter.createObservableGauge('sallyport_identity_header_bytes', {
      description: 'Largest identity headers that a route has sent since the configuration changed.',
    })
    const observe: Parameters<typeof gauge.addCallback>[0] = (result) => {
      for (const [route, { bytes, from }] of this.#largest) result.observe(bytes, { route_id: route, from })
    }
    gauge.addCallback(observe)
    this.#stop = () => gauge.removeCallback(observe)
  }

  /** @param groups how many the user has */
  note(
    { route }: Pick<AccessRoute, 'route'>,
    { size, fullSize, limit, removedGroups }: Measured,
    groups: number,
  ): void {
    const largest = this.#largest.get(route.id)
    if (largest !== undefined) largest.bytes = Math.max(largest.bytes, size.together)
    else if (this.#largest.size < MOST_SERIES)
      this.#largest.set(route.id, { bytes: size.together, from: route.from })
    const isCut = size.together < fullSize.together
    if (!isCut && !isNear(size, limit)) return
    const key = `${route.id} ${isCut}`
    if (this.#reported.has(key)) return
    this.#reported.add(key)
    this.#logger.warn(
      {
        'route-id': route.id,
        from: route.from,
        groups,
        'removed-groups-count': removedGroups,
        'identity-header-bytes': fullSize.together,
        'longest-header-bytes': fullSize.longest,
      },
      isCut
        ? 'groups were left out because the identity headers of a route would be too large for most apps. Say by jwt_groups_filter which groups the app needs, or raise identity_headers_limit if it takes more'
        : 'the identity headers of a route come near to what apps take; say by jwt_groups_filter which groups the app needs',
    )
  }

  /** Many apps take 8 KB in one header and no more, and some 16 KB in all. */
  noteToken(compiled: Pick<AccessRoute, 'route'> | undefined, bytes: number): void {
    if (bytes <= LARGE_TOKEN || compiled === undefined) return
    const { id, from } = compiled.route
    if (this.#reported.has(`${id} token`)) return
    this.#reported.add(`${id} token`)
    this.#logger.warn(
      { 'route-id': id, from, 'longest-header-bytes': bytes },
      'the identity provider’s token that a route passes on is larger than many apps take. Have the provider put less into it, such as fewer groups',
    )
  }

  clear(): void {
    for (const largest of this.#largest.values()) largest.bytes = 0
    this.#reported.clear()
  }

  [Symbol.dispose](): void {
    this.#stop()
  }
}

export function groupCountOf(session: Session | undefined): number {
  return session === undefined ? 0 : certainGroupsOf(session).length
}

const isNear = (size: HeaderSize, limit: HeaderSize): boolean =>
  size.together > limit.together * NEAR || size.longest > limit.longest * NEAR
