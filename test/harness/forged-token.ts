/**
 * Tokens as attackers make them, from a good one.
 *
 * @module
 */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'

export type Signer = (content: string) => string

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The token with another header, signed by the function. */
export function resigned(good: string, header: object, signer: Signer): string {
  const content = `${encode(header)}.${good.split('.')[1]}`
  return `${content}.${signer(content)}`
}

export const unsigned: Signer = () => ''

export const hmacUnder =
  (key: string): Signer =>
  (content) =>
    createHmac('sha256', key).update(content).digest('base64url')

export const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 })

export const byAttacker: Signer = (content) =>
  sign('sha256', Buffer.from(content), attacker.privateKey).toString('base64url')

/** Its claims changed after it was signed. */
export function withClaims(good: string, claims: object): string {
  const [header, payload = '', signature] = good.split('.')
  const old: object = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return `${header}.${encode({ ...old, ...claims })}.${signature}`
}

/** The last characters of its signature are others. */
export function withBrokenSignature(good: string): string {
  return `${good.slice(0, -4)}${good.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`
}
