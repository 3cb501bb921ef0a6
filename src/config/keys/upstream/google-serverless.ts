/**
 * Keys for apps on Google's serverless platforms (Cloud Run, Cloud Functions), which let in whoever shows a
 * token of Google's for them.
 *
 * @module
 */

import { createPrivateKey } from 'node:crypto'
import { z } from 'zod'
import type { Mistake } from '../../mistake.ts'
import type { Found, Resolver } from '../../resolver.ts'
import { SecretText } from '../../values/reference.ts'
import { Secret } from '../../values/secret.ts'
import { given, mistake, type RawKeys } from '../rule.ts'

export const googleServerless = {
  google_cloud_serverless_authentication_service_account: SecretText.optional().meta({
    description:
      'Key file of the Google service account that calls serverless apps: JSON, or JSON in base64. Unset: the account of the machine, from the metadata server.',
    examples: ['file:secrets/google-service-account.json'],
  }),
}

export const routeGoogleServerless = {
  enable_google_cloud_serverless_authentication: z.boolean().optional().meta({
    description:
      'Requests go out with an ID token of Google’s for `https://<host of to>`, in `Authorization`, or in `X-Serverless-Authorization` where the route sets `Authorization` itself. Upstream names are looked up as IPv4. Unset: false.',
  }),
}

/** A key of a service account, as Google hands it out. */
export interface GoogleServiceAccount {
  readonly clientEmail: string
  readonly keyId: string
  /** PEM. */
  readonly privateKey: Secret
  /** Where its signatures become tokens. */
  readonly tokenUri: string
}

const KeyFile = z.object({
  type: z.literal('service_account'),
  client_email: z.string().min(1),
  private_key_id: z.string().default(''),
  private_key: z.string(),
  token_uri: z.url().default('https://oauth2.googleapis.com/token'),
})

export function serviceAccountFrom(
  found: Found | undefined,
  resolver: Resolver,
): GoogleServiceAccount | undefined {
  if (found === undefined) return undefined
  const read = KeyFile.safeParse(jsonOf(found.text))
  if (!read.success || !isRsaKey(read.data.private_key))
    return resolver.fail(
      found.path,
      'is not the key file of a Google service account (JSON with type, client_email and private_key), nor base64 of one',
    )
  const { client_email, private_key_id, private_key, token_uri } = read.data
  return {
    clientEmail: client_email,
    keyId: private_key_id,
    privateKey: Secret.of(private_key),
    tokenUri: token_uri,
  }
}

function jsonOf(text: string): unknown {
  const json = text.trim().startsWith('{') ? text : Buffer.from(text, 'base64').toString('utf8')
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa'
  } catch {
    return false
  }
}

/** What of a route these keys are, and go together with. */
interface ServerlessRoute {
  readonly enable_google_cloud_serverless_authentication?: boolean | undefined
  readonly to?: readonly { readonly host: string }[] | undefined
}

export const isServerless = (route: ServerlessRoute): boolean =>
  route.enable_google_cloud_serverless_authentication === true

/** Google looks at it first, and leaves `Authorization` to the app. */
export const SERVERLESS_HEADER = 'x-serverless-authorization'

/** Whom the token is for. */
export function serverlessAudience({ to }: Pick<ServerlessRoute, 'to'>): string {
  return `https://${to?.[0]?.host ?? ''}`
}

export function serverlessMistakes(route: ServerlessRoute, raw: RawKeys): Mistake[] {
  const key = 'enable_google_cloud_serverless_authentication'
  if (route[key] !== true) return []
  if (given(raw, ['to']).length === 0) return [mistake([key], 'needs the app under `to`')]
  const hosts = new Set((route.to ?? []).map(({ host }) => host))
  return hosts.size > 1 ? [mistake([key], 'needs one host in `to`: a token is for one app')] : []
}
