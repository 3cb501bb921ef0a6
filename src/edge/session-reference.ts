/**
 * What a session cookie holds: the session's id and a MAC that ties it to one host (or cookie domain) and one
 * name.
 *
 * The session itself stays in the store; the MAC keeps a list of ids, however come by, from being a list of
 * cookies.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'

/** Where a reference is good: another host, and a cookie that is called otherwise, have others. */
export interface ReferenceScope {
  /** Host name without port, or the cookie domain. */
  readonly audience: string
  /** So that a reference which an app has seen under an older name opens nothing. */
  readonly cookieName: string
}

export interface ReferenceContent extends ReferenceScope {
  readonly sessionId: string
}

const REFERENCE = /^v1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{43})$/

/** Under 120 bytes, and safe in a cookie or header as it is. */
export function makeReference({ sessionId, ...scope }: ReferenceContent, key: Uint8Array): string {
  return `v1.${sessionId}.${macOf(sessionId, scope, key)}`
}

/** Whether a text could be one: whatever it is called, it is nobody else's. */
export const hasReferenceForm = (value: string): boolean => REFERENCE.test(value)

/**
 * The session id, or `undefined` when the reference is not ours, was altered, or belongs to another audience.
 */
export function openReference(value: string, scope: ReferenceScope, key: Uint8Array): string | undefined {
  const [, sessionId, mac] = REFERENCE.exec(value) ?? []
  if (sessionId === undefined || mac === undefined) return undefined
  // Comparing the text, not decoded bytes, also refuses a second spelling of the same MAC.
  const expected = Buffer.from(macOf(sessionId, scope, key))
  return timingSafeEqual(expected, Buffer.from(mac)) ? sessionId : undefined
}

/**
 * More than a browser keeps cookies for a domain: however many a neighbour plants, the real one is among
 * these.
 */
const MOST_REFERENCES = 256

/**
 * Whose sessions the credentials of one request name, each once: the rule for every page and every check.
 *
 * Only what has the form of a reference counts: other cookies of the same name, in whatever number, hide
 * none. More than one live session among these is for the caller to refuse: which one is meant would be
 * chance, or an attacker's choice.
 */
export function openReferences(
  values: readonly string[],
  scope: ReferenceScope,
  key: Uint8Array,
): readonly string[] {
  const references = new Set(values.filter((value) => REFERENCE.test(value)))
  const looked = [...references].slice(0, MOST_REFERENCES)
  const ids = looked.map((reference) => openReference(reference, scope, key))
  return [...new Set(ids.filter((id) => id !== undefined))]
}

function macOf(sessionId: string, { audience, cookieName }: ReferenceScope, key: Uint8Array): string {
  // No part has a NUL in it, so none can be shifted into another.
  const content = `${sessionId}\0${audience.toLowerCase()}\0${cookieName}`
  return createHmac('sha256', key).update(content).digest('base64url')
}
