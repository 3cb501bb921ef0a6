/**
 * The hand-off: how a session comes from the authenticate host to an app's host, and on to the next.
 *
 * A sealed note in a signed URL, for one host, once, within a minute.
 *
 * @module
 */
import { z } from 'zod'
import type { Sealer } from '../crypto/seal.ts'
import {
  ADDITIONAL_HOSTS_PARAMETER,
  CALLBACK_PATH,
  REDIRECT_URI_PARAMETER,
  SESSION_ENCRYPTED_PARAMETER,
} from '../crypto/sign-in-url.ts'
import { signUrl } from '../crypto/signed-url.ts'
import { randomId } from './oauth-state.ts'
import type { Visit } from './visit.ts'

const HandOff = z.strictObject({
  sessionId: z.string(),
  /** Host, with the port where it has one, that may take it. */
  host: z.string(),
  /** Hash of the flow cookie that the browser must hold there; an additional host has none. */
  flow: z.string().optional(),
  /** For an additional host, which the user agent has not asked for itself. */
  additional: z.boolean(),
  expiresAt: z.number(),
  jti: z.string(),
})
export type HandOff = z.output<typeof HandOff>

/** Time for one redirect. */
const HAND_OFF_LIFETIME_MS = 60_000
export const HAND_OFF_CLAIM_MS = HAND_OFF_LIFETIME_MS + 60_000

const PLACE = 'hand-off'

/** `undefined` when it was not sealed here. */
export function openHandOff(sealed: string, sealer: Sealer): HandOff | undefined {
  const plain = sealer.open(sealed, PLACE)
  return plain === undefined ? undefined : HandOff.safeParse(JSON.parse(plain)).data
}

export interface HandOffParts {
  readonly sessionId: string
  readonly host: string
  readonly flow: string | undefined
  readonly additional: boolean
  readonly target: URL
  readonly additionalHosts: readonly string[]
}

/** The signed URL of the callback page on the next host. */
export function handOffUrl({ services, sites, now }: Visit, parts: HandOffParts): string {
  const { target, additionalHosts, ...note } = parts
  const { host } = note
  const handOff: HandOff = { ...note, expiresAt: now + HAND_OFF_LIFETIME_MS, jti: randomId() }
  const url = new URL(CALLBACK_PATH, `${sites.authenticateUrl.protocol}//${host}`)
  url.searchParams.set(REDIRECT_URI_PARAMETER, target.href)
  url.searchParams.set(SESSION_ENCRYPTED_PARAMETER, services.sealer.seal(JSON.stringify(handOff), PLACE))
  if (additionalHosts.length > 0) url.searchParams.set(ADDITIONAL_HOSTS_PARAMETER, additionalHosts.join(','))
  return signUrl(url, services.keys.url, now)
}
