/**
 * What a session cookie holds: the session's id and a MAC that ties it to one host (or cookie domain).
 *
 * The session itself stays in the store; the MAC keeps a list of ids, however come by, from being a list of cookies.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'

export interface HandleContent {
  readonly sessionId: string
  /** Host name without port, or the cookie domain. */
  readonly audience: string
}

const HANDLE = /^v1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{43})$/

/** Under 120 bytes, and safe in a cookie or header as it is. */
export function makeHandle({ sessionId, audience }: HandleContent, key: Uint8Array): string {
  return `v1.${sessionId}.${macOf(sessionId, audience, key)}`
}

/** The session id, or `undefined` when the handle is not ours, was altered, or belongs to another audience. */
export function openHandle(value: string, audience: string, key: Uint8Array): string | undefined {
  const [, sessionId, mac] = HANDLE.exec(value) ?? []
  if (sessionId === undefined || mac === undefined) return undefined
  // Comparing the text, not decoded bytes, also refuses a second spelling of the same MAC.
  const expected = Buffer.from(macOf(sessionId, audience, key))
  return timingSafeEqual(expected, Buffer.from(mac)) ? sessionId : undefined
}

/** Past this many, looking at them costs more than a browser's mishap is worth. */
const MOST_HANDLES = 32

/**
 * Whose sessions the credentials of one request name, each once: the rule for every page and every check.
 *
 * Only what has the form of a handle counts: other cookies of the same name, in whatever number, hide none. More
 * than one live session among these is for the caller to refuse: which one is meant would be chance, or an
 * attacker's choice.
 */
export function openHandles(values: readonly string[], audience: string, key: Uint8Array): readonly string[] {
  const handles = new Set(values.filter((value) => HANDLE.test(value)))
  const ids = [...handles].slice(0, MOST_HANDLES).map((handle) => openHandle(handle, audience, key))
  return [...new Set(ids.filter((id) => id !== undefined))]
}

function macOf(sessionId: string, audience: string, key: Uint8Array): string {
  // The id's alphabet has no NUL, so the two parts can't be shifted into one another.
  const content = `${sessionId}\0${audience.toLowerCase()}`
  return createHmac('sha256', key).update(content).digest('base64url')
}
