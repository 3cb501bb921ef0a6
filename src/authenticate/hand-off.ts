/**
 * The hand-off: how a session comes from the authenticate host to an app's host, and on to the additional
 * ones.
 *
 * Every host takes it by a sealed note in a signed URL, for that host alone, once, within a minute, and only
 * in a browser that holds that host's flow cookie. The target's host has set its cookie when it asked for the
 * sign-in. The additional hosts have not, so the browser is led past them twice:
 *
 * ```
 * authenticate ─▶ target HAND_OFF     takes the session
 *              ─▶ host 1 FLOW, host 2 FLOW, …     each sets its flow cookie
 *              ─▶ target CHAIN     the same browser?
 *              ─▶ host 1 HAND_OFF, host 2 HAND_OFF, …     each takes the session
 *              ─▶ target
 * ```
 *
 * What goes past the FLOW pages opens nothing: only CHAIN makes hand-offs of it, and asks for the target's
 * flow cookie first. All that is two redirects per additional host and one more: with five, and a provider
 * that answers at once, 16 of the 20 that browsers follow.
 *
 * @module
 */
import { z } from 'zod'
import type { Sealer } from '../crypto/seal.ts'
import { signUrl } from '../crypto/signed-url.ts'
import {
  ADDITIONAL_HOSTS_PARAMETER,
  REDIRECT_URI_PARAMETER,
  SESSION_ENCRYPTED_PARAMETER,
} from '../edge/sign-in-url.ts'
import { ENDPOINTS, type EndpointName } from './endpoints.ts'
import { randomId } from './oauth-state.ts'
import type { Services } from './ports.ts'
import type { Sites } from './sites.ts'

const HandOff = z.strictObject({
  sessionId: z.string(),
  /** Host, with the port where it has one, that may use it. */
  host: z.string(),
  /**
   * Hash of the flow cookie that the browser must hold there; at FLOW, that it must hold on the target's
   * host.
   */
  flow: z.string().optional(),
  /** For an additional host, which the user agent has not asked for itself. */
  additional: z.boolean(),
  /** The additional hosts that are to take the session still, each with the hash of its flow cookie. */
  tied: z.array(z.strictObject({ host: z.string(), flow: z.string() })).readonly(),
  expiresAt: z.number(),
  /** One for a whole round past the FLOW pages: it makes hand-offs once. */
  jti: z.string(),
})
export type HandOff = z.output<typeof HandOff>

/** What of a visit makes one. */
interface HandOffMaker {
  readonly services: Pick<Services, 'sealer' | 'keys'>
  readonly sites: Sites
  readonly now: number
}

/** Time for one redirect. */
const HAND_OFF_LIFETIME_MS = 60_000
export const HAND_OFF_CLAIM_MS = HAND_OFF_LIFETIME_MS + 60_000

/** What is sealed for one page is nothing on another. */
const placeOf = (endpoint: EndpointName) => `hand-off:${endpoint}`

/** `undefined` when it was not sealed here. */
export function openHandOff(sealed: string, endpoint: EndpointName, sealer: Sealer): HandOff | undefined {
  const plain = sealer.open(sealed, placeOf(endpoint))
  return plain === undefined ? undefined : HandOff.safeParse(JSON.parse(plain)).data
}

export interface HandOffParts extends Omit<HandOff, 'additional' | 'tied' | 'expiresAt' | 'jti'> {
  readonly additional?: boolean
  readonly tied?: HandOff['tied']
  readonly jti?: string
  readonly target: URL
  /** Those that have no flow cookie yet. */
  readonly untied?: readonly string[]
}

/** The signed URL of the page on the next host. */
export function handOffUrl(
  { services, sites, now }: HandOffMaker,
  endpoint: 'HAND_OFF' | 'FLOW' | 'CHAIN',
  parts: HandOffParts,
): string {
  const { target, untied = [], additional = false, tied = [], jti = randomId(), ...rest } = parts
  const handOff: HandOff = { ...rest, additional, tied, jti, expiresAt: now + HAND_OFF_LIFETIME_MS }
  const url = new URL(ENDPOINTS[endpoint].paths[0], `${sites.authenticateUrl.protocol}//${rest.host}`)
  url.searchParams.set(REDIRECT_URI_PARAMETER, target.href)
  url.searchParams.set(
    SESSION_ENCRYPTED_PARAMETER,
    services.sealer.seal(JSON.stringify(handOff), placeOf(endpoint)),
  )
  if (untied.length > 0) url.searchParams.set(ADDITIONAL_HOSTS_PARAMETER, untied.join(','))
  return signUrl(url, services.keys.url, now)
}
