/**
 * Apple's client secret: a token that is signed with a key of one's own, made anew for each request.
 *
 * @module
 */
import { createPrivateKey, sign } from 'node:crypto'
import type { ClientAuth } from 'openid-client'
import type { SignInProvider } from '../../config/config.ts'

/** It is used at once; Apple would take one of six months. */
const LIFETIME_SECONDS = 300

/** `undefined` when the configuration holds no key to sign with. @see RFC 7519 */
export function appleClientAuth(client: SignInProvider, now: () => number): ClientAuth | undefined {
  const {
    client_id: clientId,
    team_id: teamId,
    key_id: keyId,
    private_key: pem,
    provider_url: audience,
  } = client
  if (pem === undefined || teamId === undefined || keyId === undefined) return undefined
  const key = createPrivateKey(pem.reveal())
  return (_server, _client, body) => {
    const issuedAt = Math.floor(now() / 1000)
    const claims = {
      iss: teamId,
      sub: clientId,
      aud: audience,
      iat: issuedAt,
      exp: issuedAt + LIFETIME_SECONDS,
    }
    const content = `${encode({ alg: 'ES256', kid: keyId })}.${encode(claims)}`
    // RFC 7518 section 3.4: the two numbers one behind the other, not in ASN.1.
    const signature = sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' })
    body.set('client_id', clientId)
    body.set('client_secret', `${content}.${signature.toString('base64url')}`)
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

/** The name that Apple's page posts beside the first answer. Only the name: nobody vouches for it. */
export function postedName(user: string | null): string | undefined {
  if (user === null || user.length > 2000) return undefined
  try {
    const { name }: { name?: { firstName?: unknown; lastName?: unknown } } = JSON.parse(user) ?? {}
    const words = [name?.firstName, name?.lastName].filter((word) => typeof word === 'string')
    const whole = words.join(' ').trim()
    return whole === '' ? undefined : whole.slice(0, 200)
  } catch {
    return undefined
  }
}
