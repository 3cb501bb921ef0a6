/**
 * What a machine shows in the place of a session reference: the id of its service account and a MAC.
 *
 * Under a key of its own, so that neither passes for the other. Tied to no host: the account's record says
 * where it may be used, and deleting the record ends the token.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const PREFIX = 'sa1.'
const TOKEN = /^sa1\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/
const ID_BYTES = 16

/** Nobody guesses it, and none comes twice: an id that was revoked stays revoked. */
export function newServiceAccountId(): string {
  return randomBytes(ID_BYTES).toString('base64url')
}

export function makeServiceAccountToken(id: string, key: Uint8Array): string {
  return `${PREFIX}${id}.${macOf(id, key)}`
}

/** Whether it wants to be one: then it is judged as one, and is nothing else. */
export function isServiceAccountToken(text: string): boolean {
  return text.startsWith(PREFIX)
}

/** The id of the account, or `undefined` when the token is not ours or was altered. */
export function openServiceAccountToken(text: string, key: Uint8Array): string | undefined {
  const [, id, mac] = TOKEN.exec(text) ?? []
  if (id === undefined || mac === undefined) return undefined
  // Comparing the text, not decoded bytes, also refuses a second spelling of the same MAC.
  return timingSafeEqual(Buffer.from(macOf(id, key)), Buffer.from(mac)) ? id : undefined
}

function macOf(id: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(`service-account\0${id}`).digest('base64url')
}
