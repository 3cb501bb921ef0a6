/**
 * What a session cookie holds: the session's id and a MAC that ties it to one host (or cookie domain) and one name.
 *
 * The session itself stays in the store; the MAC keeps a list of ids, however come by, from being a list of cookies.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'

/** Where a handle is good: another host, and a cookie that is called otherwise, have others. */
export interface HandleScope {
  /** Host name without port, or the cookie domain. */
  readonly audience: string
  /** So that a handle which an app has seen under an older name opens nothing. */
  readonly cookieName: string
}

export interface HandleContent extends HandleScope {
  readonly sessionId: string
}

const HANDLE = /^v1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{43})$/

/** Under 120 bytes, and safe in a cookie or header as it is. */
export function makeHandle({ sessionId, ...scope }: HandleContent, key: Uint8Array): string {
  return `v1.${sessionId}.${macOf(sessionId, scope, key)}`
}

/** Whether a text could be one: whatever it is called, it is nobody else's. */
export const hasHandleForm = (value: string): boolean => HANDLE.test(value)

/** The session id, or `undefined` when the handle is not ours, was altered, or belongs to another audience. */
export function openHandle(value: string, scope: HandleScope, key: Uint8Array): string | undefined {
  const [, sessionId, mac] = HANDLE.exec(value) ?? []
  if (sessionId === undefined || mac === undefined) return undefined
  // Comparing the text, not decoded bytes, also refuses a second spelling of the same MAC.
  const expected = Buffer.from(macOf(sessionId, scope, key))
  return timingSafeEqual(expected, Buffer.from(mac)) ? sessionId : undefined
}

/** More than a browser keeps cookies for a domain: however many a neighbour plants, the real one is among these. */
const MOST_HANDLES = 256

/**
 * Whose sessions the credentials of one request name, each once: the rule for every page and every check.
 *
 * Only what has the form of a handle counts: other cookies of the same name, in whatever number, hide none. More
 * than one live session among these is for the caller to refuse: which one is meant would be chance, or an
 * attacker's choice.
 */
export function openHandles(
  values: readonly string[],
  scope: HandleScope,
  key: Uint8Array,
): readonly string[] {
  const handles = new Set(values.filter((value) => HANDLE.test(value)))
  const ids = [...handles].slice(0, MOST_HANDLES).map((handle) => openHandle(handle, scope, key))
  return [...new Set(ids.filter((id) => id !== undefined))]
}

function macOf(sessionId: string, { audience, cookieName }: HandleScope, key: Uint8Array): string {
  // No part has a NUL in it, so none can be shifted into another.
  const content = `${sessionId}\0${audience.toLowerCase()}\0${cookieName}`
  return createHmac('sha256', key).update(content).digest('base64url')
}
